"""Steady requests of every kind: answered, failed, cached, waiting, streamed."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tritongen.records.endpoint import Endpoint
from tritongen.triton import Request, Triton, TritonError


@contextmanager
def traffic(endpoint: Endpoint) -> Iterator[None]:
    """Send requests until the block ends; each kind at its own rate, from threads of its own."""
    loops: list[tuple[str, float, Callable[[int], float]]] = [
        ("plain", 0.025, lambda i: -1 if i % 4 == 3 else i),  # a quarter fails
        ("outer", 0.1, lambda i: -9 if i % 5 == 4 else i),  # a fifth fails
        ("cached", 0.05, lambda i: i // 4),  # three of four were asked before
        ("stream", 0.2, lambda i: -1 if i % 5 == 4 else i),
        *((("slow", 0.0, float),) * 12),  # as fast as it answers: a queue
    ]
    with together(ask, endpoint, loops):
        yield


@contextmanager
def together(
    ask: Callable[..., None], endpoint: Endpoint, loops: Sequence[tuple[Any, ...]]
) -> Iterator[None]:
    """Run ``ask(endpoint, stop, *loop)`` in a thread for each loop; they stop with the block."""
    stop = threading.Event()
    threads = [threading.Thread(target=ask, args=(endpoint, stop, *loop)) for loop in loops]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)


def ask(
    endpoint: Endpoint,
    stop: threading.Event,
    model: str,
    every_s: float,
    value: Callable[[int], float],
) -> None:
    due = time.monotonic()
    with Triton(http=endpoint.http, grpc=endpoint.grpc) as triton:
        number = 0
        while not stop.is_set():
            send(triton, model, value(number))
            number += 1
            due += every_s
            stop.wait(max(due - time.monotonic(), 0))


def send(triton: Triton, model: str, value: float) -> None:
    shape = (1,) if model == "stream" else (1, 1)
    request = Request(model=model, inputs={"x": np.full(shape, value, np.float32)})
    try:
        if model == "stream":
            list(triton.stream(request))
        else:
            triton.infer(request)
    except TritonError:
        if value >= 0:
            raise
    else:
        assert value >= 0, f"{model} answered what it should refuse"
