"""What the user wrote: the spec, checked for form only. ``None`` means «not said»."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from tritonclient.grpc.model_config_pb2 import ModelConfig

from tritongen.records.finding import Places


class Record(BaseModel):
    """A frozen part of the spec that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Source(Record):
    """Where bytes come from: a path relative to the file that says it, ``pkg://``, ``https://``."""

    path: str
    sha256: str | None = None


class Servable(Record):
    """What models and ensembles have in common: Triton's own fields and silenced findings.

    ``config`` holds every ``ModelConfig`` field that was said, in Triton's words. Tensors said by
    bare name have a name only. Proto3 scalars carry no presence, so ``said`` names the top-level
    fields that were written (``max_batch_size: 0`` is said, nothing is not).
    """

    config: ModelConfig = Field(default_factory=ModelConfig)
    said: frozenset[str] = frozenset()
    allow: Mapping[str, str] = Field(default_factory=dict)


class Model(Servable):
    """One entry of ``models:``."""

    source: Source | Literal["none"] | None = None
    python: str | None = None
    versions: Mapping[int, Source] = Field(default_factory=dict)
    files: Mapping[str, Source] = Field(default_factory=dict)
    requirements: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    external: bool = False
    complete: bool = True
    join: bool = True
    labels: Mapping[str, tuple[str, ...] | str] = Field(default_factory=dict)


class Step(Record):
    """One entry of an ensemble's ``steps:``; maps go from the model's tensor to the ensemble's.

    ``output`` of ``None`` means that all outputs keep their names.
    """

    model: str
    version: int = -1
    input: Mapping[str, str] = Field(default_factory=dict)
    output: Mapping[str, str] | None = None
    namespace: str | None = None


class Ensemble(Servable):
    """One entry of ``ensembles:``."""

    steps: tuple[Step, ...]
    versions: tuple[int, ...] = (1,)


class Server(Record):
    """``server:``, tritonserver's own options."""

    http_port: int | None = Field(default=None, ge=1, le=65535)
    grpc_port: int | None = Field(default=None, ge=1, le=65535)
    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    log_verbose: int = Field(default=0, ge=0)


class Spec(Record):
    """The whole spec after overlays and ``${NAME}``; ``files`` are those read, in order.

    A relative path starts at the folder of the file that ``places`` gives for it.
    """

    tritongen: Literal[1] = 1
    name: str
    triton: str = "24.10"
    models: Mapping[str, Model] = Field(default_factory=dict)
    ensembles: Mapping[str, Ensemble] = Field(default_factory=dict)
    server: Server = Server()
    files: tuple[Path, ...] = ()
    places: Places = Places()

    def base(self, *path: str | int) -> Path:
        """Return the folder at which a relative path written at ``path`` starts."""
        place = self.places.of(*path)
        return Path(place.file).parent if place else Path()
