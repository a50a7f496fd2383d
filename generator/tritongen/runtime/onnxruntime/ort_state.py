"""Keeps the implicit state of sequences between requests.

Triton's core adds the state tensors to every request, but takes new ones only from C++ backends:
what a Python backend sees is the initial state, each time. So this instance, to which Triton
binds a sequence until its end, remembers the outputs itself.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from triton_python_backend_utils import (
    TRITONSERVER_REQUEST_FLAG_SEQUENCE_END as END,
)
from triton_python_backend_utils import (
    TRITONSERVER_REQUEST_FLAG_SEQUENCE_START as START,
)
from triton_python_backend_utils import triton_string_to_numpy

Array = npt.NDArray[Any]
CorrelationId = int | str


@dataclass
class Sequence:
    """The state inputs of the next request of one sequence, and when it was last seen."""

    inputs: dict[str, Array]
    seen_s: float


class SequenceStates:
    """State tensors per correlation id, reset by START, dropped at END or when idle."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        batching = config["sequence_batching"]
        self._states = {state["input_name"]: state for state in batching["state"]}
        self._leading = (1,) if config["max_batch_size"] > 0 else ()
        self._idle_s = int(batching.get("max_sequence_idle_microseconds", 0)) / 1e6
        # As many sequences as Triton lets live on one instance.
        oldest = int(batching.get("oldest", {}).get("max_candidate_sequences", 0))
        self._slots = max(1, oldest, config["max_batch_size"])
        self._sequences: dict[CorrelationId, Sequence] = {}

    @property
    def outputs(self) -> list[str]:
        """Names of the model's outputs that are state."""
        return [state["output_name"] for state in self._states.values()]

    def inputs(self, request: Any, feed: Mapping[str, Array]) -> dict[str, Array]:
        """State inputs of one request; ``feed`` holds those that Triton made.

        Raises LookupError for a sequence whose state is not here.
        """
        key = request.correlation_id()
        if request.flags() & START or not key:  # a warm-up sample has no correlation id
            inputs = {name: self._initial(name, feed) for name in self._states}
            if key:
                self._sequences[key] = Sequence(inputs, time.monotonic())
            return inputs
        if key not in self._sequences:
            raise LookupError(f"the state of sequence {key} is not here: start the sequence again")
        return self._sequences[key].inputs

    def keep(self, request: Any, outputs: Mapping[str, Array]) -> None:
        """Take the state outputs of a request as the inputs of the next one of its sequence."""
        key = request.correlation_id()
        if not key:
            return
        self._sequences.pop(key, None)
        if not request.flags() & END:
            inputs = {
                name: np.array(outputs[state["output_name"]])
                for name, state in self._states.items()
            }
            self._sequences[key] = Sequence(inputs, time.monotonic())
        self._forget_idle()

    def _initial(self, name: str, feed: Mapping[str, Array]) -> Array:
        state, given = self._states[name], feed.get(name)
        if given is not None and state.get("initial_state"):
            return np.array(given)
        # Without initial_state, what Triton sends is memory that nobody has written to.
        sizes = (max(1, int(dim)) for dim in state["dims"])
        dims = given.shape if given is not None else (*self._leading, *sizes)
        dtype = triton_string_to_numpy(state["data_type"])
        return np.full(dims, b"" if dtype is np.object_ else 0, dtype=dtype)

    def _forget_idle(self) -> None:
        """Drop sequences that Triton has given up, the longest unseen first.

        A request may wait in a queue for longer than the idle time, so the time alone proves
        nothing: a sequence goes only when there are more than Triton lets live.
        """
        while len(self._sequences) > self._slots:
            key, sequence = next(iter(self._sequences.items()))
            if time.monotonic() - sequence.seen_s <= self._idle_s:
                break
            del self._sequences[key]
