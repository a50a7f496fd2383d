"""A running server is brought to a plan by loading its models anew, and back to what it had.

Needs ``--model-control-mode=explicit``. A load with a configuration replaces the whole of it, and
stays until another one is given: what was found is kept on disk until it is served again.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from google.protobuf.json_format import MessageToDict, ParseDict

from tritongen.errors import EngineError, HostError, SpecError
from tritongen.records.messages import ModelConfig
from tritongen.records.plan import Plan
from tritongen.triton import TritonError

LOAD_S = 60.0
"""A model that has not loaded by then hangs."""
NOBODY = "tritongen-is-this-server-in-explicit-mode"
"""The name of no model: unloading it changes nothing, and is refused in other modes."""

Configs = Mapping[str, ModelConfig]


class Control(Protocol):
    """What is needed of a server to change what it serves: a client, or one that asks for us."""

    @property
    def grpc(self) -> str:
        """Where it is, for people."""

    def load(self, model: str, config: ModelConfig | None, *, timeout_s: float) -> None:
        """Load a model with a configuration; raises ``TritonError`` if it is refused."""

    def unload(self, model: str) -> None:
        """Unload a model."""

    def config(self, model: str) -> ModelConfig:
        """Return what a model is served with."""

    def model_ready(self, model: str) -> bool:
        """Return whether a model can be asked."""

    def close(self) -> None:
        """Close the connection."""


class Switch:
    """A server and what it serves, by model; ``load_s`` bounds each load."""

    def __init__(self, triton: Control, has: Configs, *, load_s: float = LOAD_S) -> None:
        self.triton = triton
        self.has = dict(has)
        self.load_s = load_s

    def to(self, wanted: Configs) -> tuple[str, ...]:
        """Load what differs, and return its names; all of it is ready then.

        Raises:
            EngineError: a model was refused, or did not load in time. It serves as before.
        """
        names = tuple(order(self.has, wanted))
        for name in names:
            self._load(name, wanted[name])
        for name in names:
            if not self.triton.model_ready(name):
                del self.has[name]
                raise EngineError(f"{name} is not ready after it was loaded")
        return names

    def _load(self, name: str, config: ModelConfig) -> None:
        try:
            self.triton.load(name, config, timeout_s=self.load_s)
        except TritonError as error:
            if error.code != "DEADLINE_EXCEEDED":
                raise
            raise HangingError(
                f"{name} did not load within {self.load_s:g} s", why=error.why
            ) from error
        self.has[name] = config


class HangingError(EngineError):
    """A model neither loads nor fails."""


def configs(plan: Plan) -> dict[str, ModelConfig]:
    """Return the configurations that a plan wants served, members before their ensembles."""
    return {name: model.config for name, model in plan.models.items() if model.kind != "external"}


def order(has: Configs, wanted: Configs) -> Iterator[str]:
    """Yield the models that differ, so that at no time an ensemble exceeds its members.

    Ensembles whose ``max_batch_size`` sinks come first, the outer before the inner; then members
    before their ensembles, as they stand in ``wanted``.
    """
    differ = [name for name, config in wanted.items() if has.get(name) != config]
    sinking = [name for name in reversed(differ) if _sinks(has.get(name), wanted[name])]
    yield from sinking
    yield from (name for name in differ if name not in sinking)


def _sinks(before: ModelConfig | None, after: ModelConfig) -> bool:
    if before is None or not after.HasField("ensemble_scheduling"):
        return False
    return after.max_batch_size < before.max_batch_size


def refuse_other_modes(triton: Control) -> None:
    """Raise ``SpecError`` unless models can be loaded on a server."""
    try:
        triton.unload(NOBODY)
    except TritonError as error:
        raise SpecError(
            f"the server at {triton.grpc} does not let its models be loaded",
            why=error.message,
            fix="start it with --model-control-mode=explicit",
        ) from error


# ---- as it was found ----


def found(triton: Control, names: Iterable[str]) -> dict[str, ModelConfig]:
    """Return what a server has now, members before ensembles as in ``names``."""
    return {name: triton.config(name) for name in names}


def write_found(path: Path, address: str, had: Configs) -> None:
    """Keep what a server had.

    Raises:
        HostError: it can't be written; nothing may be changed then.
    """
    models = {
        name: MessageToDict(each, preserving_proto_field_name=True) for name, each in had.items()
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = path.with_suffix(".new")
        staged.write_text(json.dumps({"address": address, "models": models}) + "\n", "utf-8")
        staged.replace(path)
    except OSError as error:
        raise HostError(f"{path} can't be written: {error.strerror}", fix="make room") from error


def read_found(path: Path) -> tuple[str, dict[str, ModelConfig]] | None:
    """Return the address of a server that is not as it was found, and what it had."""
    try:
        said = json.loads(path.read_text("utf-8"))
        models = {name: ParseDict(each, ModelConfig()) for name, each in said["models"].items()}
        return str(said["address"]), models
    except FileNotFoundError:
        return None
