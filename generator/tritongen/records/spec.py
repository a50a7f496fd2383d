"""What the user wrote: the spec, checked for form only. ``None`` means «not said».

Every scalar arrives as the text that was written; the types below read it.
"""

import keyword
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from tritongen.records.finding import Places
from tritongen.records.loadtest import LoadTest, Slo
from tritongen.records.messages import ModelConfig
from tritongen.records.scalars import (
    Flag,
    Name,
    Record,
    Texts,
    one_or_many,
    quote,
    wrong,
)
from tritongen.records.server import Server
from tritongen.records.stack import Stack
from tritongen.records.tune import Tune

VERSION = re.compile(r"0|[1-9][0-9]{0,18}")
LINT = re.compile(r"TG[0-9]{3}")
SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def _version(value: Any) -> Any:
    if isinstance(value, str):
        if not VERSION.fullmatch(value) or int(value) >= 2**63:
            raise wrong(
                "version",
                f"{quote(value)} is not a model version",
                "write 0 or a positive number without leading zeros",
            )
        return int(value)
    return value


def _version_or_latest(value: Any) -> Any:
    if isinstance(value, str) and value != "-1" and not VERSION.fullmatch(value):
        fix = "write its number, or -1 for the newest"
        raise wrong("version", f"{quote(value)} is not a model version", fix)
    return -1 if value == "-1" else _version(value)


def _path_in_model(value: str) -> str:
    path = PurePosixPath(value)
    inside = not path.is_absolute() and ".." not in path.parts and not set(value) & set("\\\0")
    if not inside or str(path) != value or value == ".":
        raise wrong(
            "path",
            f"{quote(value)} is not a plain path inside the model's folder",
            "write a relative path like `1/vocabulary.txt`",
        )
    if path.parts[0] == "config.pbtxt":
        raise wrong(
            "path",
            "`config.pbtxt` is written by tritongen",
            "say its fields in the spec, in Triton's words",
        )
    return value


def _location(value: str) -> str:
    if not value or "\0" in value:
        raise wrong("path", f"{quote(value)} cannot be a path", "write a path, or a URL")
    return value


def _checksum(value: str) -> str:
    if not SHA256.fullmatch(value):
        raise wrong("type", "the 64 hexadecimal digits of a SHA-256")
    return value.lower()


def _lint(value: str) -> str:
    if not LINT.fullmatch(value):
        raise wrong("choice", f"{quote(value)} is not a finding's code", "write it like `TG204`")
    return value


def _reason(value: str) -> str:
    if not value.strip():
        raise wrong("type", "a reason", "say why the finding is fine here")
    return value


def _step(value: str) -> str:
    file, _, function = value.partition(":")
    if not file.endswith(".py") or file == ".py" or "\0" in file:
        raise wrong(
            "python",
            f"{quote(value)} does not name a Python file",
            "write `file.py:function`, or `file.py` for a TritonPythonModel",
        )
    if ":" in value and (not function.isidentifier() or keyword.iskeyword(function)):
        raise wrong(
            "python",
            f"{quote(function)} cannot be the name of a Python function",
            f"write {quote(file + ':function')}",
        )
    return value


def _language(value: Any) -> Any:
    if str(value) != "1":
        raise wrong(
            "language",
            f"the spec is in version {quote(str(value))} of the language, this is version 1",
            "write `tritongen: 1`, or install a tritongen that reads it",
        )
    return 1


def _unique(value: tuple[int, ...]) -> tuple[int, ...]:
    if not value or len(set(value)) != len(value):
        found = "a version twice" if value else "no version"
        raise wrong("version", f"`versions` holds {found}", "write each once: [1, 2]")
    return value


Version = Annotated[int, BeforeValidator(_version)]
VersionOrLatest = Annotated[int, BeforeValidator(_version_or_latest)]
PathInModel = Annotated[str, AfterValidator(_path_in_model)]
Allowed = Mapping[Annotated[str, AfterValidator(_lint)], Annotated[str, AfterValidator(_reason)]]


class Source(Record):
    """Where bytes come from: a path relative to the file that says it, ``pkg://``, ``https://``."""

    path: Annotated[str, AfterValidator(_location)]
    sha256: Annotated[str, AfterValidator(_checksum)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value


Origin = Annotated[
    Annotated[Literal["none"], Tag("none")] | Annotated[Source, Tag("source")],
    Discriminator(lambda value: "none" if value == "none" else "source"),
]


class Servable(Record):
    """What models and ensembles have in common: Triton's own fields, files, silenced findings.

    ``config`` holds every ``ModelConfig`` field that was said, in Triton's words. Tensors said by
    bare name have a name only. Proto3 scalars carry no presence, so ``said`` names the top-level
    fields that were written (``max_batch_size: 0`` is said, nothing is not); a message said to
    be ``false`` is in ``said`` and not in ``config``.
    """

    config: ModelConfig = Field(default_factory=ModelConfig)
    said: frozenset[str] = frozenset()
    files: Mapping[PathInModel, Source] = Field(default_factory=dict)
    allow: Allowed = Field(default_factory=dict)


class Model(Servable):
    """One entry of ``models:``; ``requirements`` are pip's lines, also where a file holds them."""

    source: Origin | None = None
    python: Annotated[str, AfterValidator(_step)] | None = None
    versions: Mapping[Version, Origin] = Field(default_factory=dict)
    requirements: tuple[str, ...] = ()
    calls: Texts = ()
    external: Flag = False
    complete: Flag = True
    join: Flag = True
    labels: Mapping[str, tuple[str, ...] | str] = Field(default_factory=dict)


class Step(Record):
    """One entry of an ensemble's ``steps:``; maps go from the model's tensor to the ensemble's.

    ``output`` of ``None`` means that all outputs keep their names.
    """

    model: str
    version: VersionOrLatest = -1
    input: Mapping[str, str] = Field(default_factory=dict)
    output: Mapping[str, str] | None = None
    namespace: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"model": value} if isinstance(value, str) else value


class Ensemble(Servable):
    """One entry of ``ensembles:``."""

    steps: tuple[Step, ...]
    versions: Annotated[
        tuple[Version, ...], BeforeValidator(one_or_many), AfterValidator(_unique)
    ] = (1,)


class Spec(Record):
    """The whole spec after overlays and ``${NAME}``; ``files`` are those read, in order.

    A relative path starts at the folder of the file that ``places`` gives for it. A place is that
    of the key, or of the item of a list; tensors have theirs by name and by position.
    """

    tritongen: Annotated[Literal[1], BeforeValidator(_language)] = 1
    name: Name
    triton: str = "24.10"
    models: Mapping[str, Model] = Field(default_factory=dict)
    ensembles: Mapping[str, Ensemble] = Field(default_factory=dict)
    server: Server = Server()
    slo: Mapping[str, Slo] = Field(default_factory=dict)
    loadtests: Mapping[str, LoadTest] = Field(default_factory=dict)
    stack: Stack | None = None
    tune: Tune | None = None
    files: tuple[Path, ...] = ()
    places: Places = Places()

    def base(self, *path: str | int) -> Path:
        """Return the folder at which a relative path written at ``path`` starts."""
        place = self.places.of(*path)
        return Path(place.file).parent if place else Path()
