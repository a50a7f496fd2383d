"""Reaches what is closed from outside: the gateway's replicas and each Triton, through `ops`."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tritongen.errors import EngineError
from tritongen.parts.engines.compose.definition import definition
from tritongen.parts.engines.compose.docker import Docker
from tritongen.parts.engines.compose.stack import build
from tritongen.parts.engines.runfolder import run_folder
from tritongen.records.stack import OPS, OPS_PROFILE, TRITON_GRPC
from tritongen.shell.programs import Conversation
from tritongen.triton.failure import TritonError

START_S = 60.0
ANSWER_S = 30.0
END_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A place for a replica at the gateway; ``address`` is empty while it has none."""

    backend: str
    server: str
    address: str
    up: bool
    drained: bool

    @property
    def name(self) -> str:
        """Its name in the gateway's own statistics."""
        return f"{self.backend}/{self.server}"


class Ops:
    """The one-shot service on the inner network.

    Calls raise ``EngineError`` if it is gone or can't do it, ``TritonError`` with Triton's words.
    """

    def __init__(self, conversation: Conversation, keys: Mapping[str, str]) -> None:
        self._conversation = conversation
        self._keys = dict(keys)

    def slots(self, *, timeout_s: float = ANSWER_S) -> tuple[Slot, ...]:
        """Return the gateway's places for replicas, in both protocols."""
        said = self._ask({"do": "servers"}, timeout_s)
        return tuple(Slot(**row) for row in said["servers"])

    def drain(self, slots: Sequence[Slot]) -> None:
        """Give these no new requests."""
        self._set("drain", slots)

    def ready(self, slots: Sequence[Slot]) -> None:
        """Give these requests again."""
        self._set("ready", slots)

    def close(self, slots: Sequence[Slot]) -> None:
        """Give these no requests at all, and close the connections to them that are idle."""
        self._set("maint", slots)

    def busy(self, slots: Sequence[Slot]) -> int:
        """Return how many requests these have under way."""
        counts = self._ask({"do": "busy"}, ANSWER_S)["busy"]
        return sum(counts.get(slot.name, 0) for slot in slots)

    def call(self, address: str, request: Any, answer: Any, *, timeout_s: float = 60.0) -> Any:
        """Call a method of the Triton at an address: its request message, its answer's class."""
        method = type(request).__name__.removesuffix("Request")
        keys = self._keys if method.startswith("Repository") else {}
        said = self._ask(
            {
                "do": "call",
                "address": f"{address}:{TRITON_GRPC}",
                "method": method,
                "request": base64.b64encode(request.SerializeToString()).decode(),
                "timeout_s": timeout_s,
                "keys": keys,
            },
            timeout_s + ANSWER_S,
        )
        if "refused" in said:
            raise TritonError(said["refused"], code=said["code"])
        return answer.FromString(base64.b64decode(said["response"]))

    def _set(self, state: str, slots: Sequence[Slot]) -> None:
        if slots:
            servers = [[slot.backend, slot.server] for slot in slots]
            self._ask({"do": "set", "state": state, "servers": servers}, ANSWER_S)

    def _ask(self, asked: Mapping[str, Any], timeout_s: float) -> Any:
        try:
            self._conversation.tell(json.dumps(asked))
            line = self._conversation.hear(timeout_s)
        except (BrokenPipeError, TimeoutError) as error:
            raise _gone(str(error)) from error
        if line is None:
            raise _gone("it has ended")
        said = json.loads(line)
        if "error" in said:
            raise EngineError(
                f"the stack's {OPS} service can't {asked['do']}",
                why=said["error"],
                fix="see whether the gateway runs: tritongen status",
            )
        return said


@contextmanager
def ops(docker: Docker, keys: Mapping[str, str]) -> Iterator[Ops]:
    """Run the service as long as the block; then every replica gets requests again.

    ``keys`` maps headers that open Triton's control to the variables that hold their values.
    """
    folder = run_folder(docker.root)
    folder.path.mkdir(parents=True, exist_ok=True)
    # Nothing else may have needed its image yet, and `run` would tell of building it in between.
    build(docker, definition(docker, OPS_PROFILE), folder)
    conversation = Conversation(
        ["docker", "compose", "run", "--rm", "--no-deps", "--no-TTY", OPS],
        environment=docker.environment,
        folder=docker.root,
        log=folder.path / "ops.log",
    )
    try:
        service = Ops(conversation, keys)
        service.slots(timeout_s=START_S)
        yield service
    finally:
        conversation.end(END_S)


def _gone(why: str) -> EngineError:
    return EngineError(
        f"the stack's {OPS} service does not answer",
        why=why,
        fix="see what it said in .tritongen/run/ops.log",
    )
