"""What we decided: complete, so that nothing is left to choose after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tritonclient.grpc.model_config_pb2 import ModelConfig

from tritongen.records.facts import Facts
from tritongen.records.finding import Places, SpecPath
from tritongen.records.release import Release
from tritongen.records.spec import Server, Spec
from tritongen.records.tree import Entry

REPOSITORY = "model_repository"
"""The folder, below the output's root, that Triton reads."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A value, where it came from, and the reason; ``tritongen explain`` prints them."""

    path: SpecPath
    value: str
    source: Literal["spec", "file", "default", "wiring", "tuned"]
    why: str


@dataclass(frozen=True, kw_only=True)
class PlannedModel:
    """A folder of the model repository.

    ``config`` is complete; protobufs are mutable, so copy before change. ``content`` maps a path
    below the model's folder to what stands there, besides ``config.pbtxt``. An external model is
    wired but not written.
    """

    name: str
    kind: Literal["model", "step", "ensemble", "external"]
    config: ModelConfig
    content: Mapping[str, Entry]
    path: SpecPath


@dataclass(frozen=True, kw_only=True)
class End:
    """One end of a wire: ``tensor`` of step ``step``; ``None`` is the ensemble itself."""

    step: int | None
    model: str
    tensor: str


@dataclass(frozen=True, kw_only=True)
class Wire:
    """An ensemble tensor: who writes it and who reads it."""

    ensemble: str
    tensor: str
    producer: End
    consumers: tuple[End, ...]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that will be rendered and served, with the reasons.

    ``auto_complete`` tells the server to fill in configurations: only where a model could not be
    completed here (its format can't be read and its tensors were not said).
    """

    name: str
    release: Release
    models: Mapping[str, PlannedModel]
    wires: tuple[Wire, ...]
    server: Server
    auto_complete: bool
    decisions: tuple[Decision, ...]
    spec: Spec
    facts: Facts

    @property
    def places(self) -> Places:
        """Where the spec's values stand, for messages."""
        return self.spec.places
