"""The flagship served to 32 clients, against the same three stages called in one process.

The process calls them at the batch size that the server reached, with as many threads as
spec.yaml has instances of the model. What is missing is in the table: where a request waits
(Triton's statistics), and what the processors were busy with instead of the model.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
from steps import features, verdict

from benchmarks._flagship import build, contents
from tritongen.parts.engines.embedded import RELEASE, Serving
from tritongen.records.endpoint import Endpoint
from tritongen.records.release import releases
from tritongen.stages.run import run
from tritongen.triton import Request, Statistics, Triton

PROCESSES, THREADS, EACH, TURNS = 4, 8, 8, 5
REQUESTS = PROCESSES * THREADS * EACH
INSTANCES = 2
FILES = contents(100)
STAGES = ("features", "classifier", "verdict")


@dataclass(frozen=True, kw_only=True)
class Turn:
    """``REQUESTS`` files served: a second, in a batch, and per file in milliseconds."""

    rate: float
    batch: float
    waits: Mapping[str, tuple[float, ...]]
    cpu: Mapping[str, float]


def main() -> None:
    """Print the ratio, then the table."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        repository = build(root)
        endpoint = stack.enter_context(run(serving(root, repository)))
        triton = stack.enter_context(Triton(http=endpoint.http, grpc=endpoint.grpc))
        clients = get_context("spawn").Pool(PROCESSES, connect, (endpoint.grpc,))
        stack.enter_context(clients)
        served_turn(triton, endpoint, clients)  # a first one warms up
        pairs = []
        for _ in range(TURNS):
            served = served_turn(triton, endpoint, clients)
            pairs.append((served, *in_process(repository, round(served.batch))))
    ratio = statistics.median(served.rate / rate for served, rate, _ in pairs)
    served, rate, cpu = sorted(pairs, key=lambda pair: pair[0].rate)[TURNS // 2]
    print(
        f"ensemble  {ratio:.2f}x of the same stages in one process: {served.rate:.0f} files a "
        f"second against {rate:.0f}, {served.batch:.1f} in a batch, {PROCESSES * THREADS} clients"
    )
    show(served, cpu)


def serving(root: Path, repository: Path) -> Serving:
    """Return how the flagship is served: as `tritongen up` does."""
    return Serving(
        root=root,
        repository=repository,
        release=releases()[RELEASE],
        environment=os.environ,
        auto_complete=False,
        usual_ports=False,
    )


CLIENT: list[Triton] = []


def connect(grpc: str) -> None:
    """Make this process's client."""
    CLIENT.append(Triton(grpc=grpc))
    CLIENT[0].ready()


def ask(start: int) -> float:
    """Send this process's share of the requests; return the CPU seconds that this took."""
    columns = [np.array([[data]], object) for data in FILES]

    def one_client(client: int) -> None:
        for number in range(EACH):
            content = columns[(start + client * EACH + number) % len(columns)]
            CLIENT[0].infer(Request(model="filetype", inputs={"content": content}))

    before = time.process_time()
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(one_client, range(THREADS)))
    return time.process_time() - before


def served_turn(triton: Triton, endpoint: Endpoint, clients: Any) -> Turn:
    """Have all requests answered once."""
    statistics_before, cpu_before = triton.statistics(), server_cpu(endpoint)
    began = time.perf_counter()
    shares = clients.map(ask, range(0, REQUESTS, THREADS * EACH), chunksize=1)
    seconds = time.perf_counter() - began
    cpu_s = {name: used - cpu_before[name] for name, used in server_cpu(endpoint).items()}
    before = {row.name: row for row in statistics_before}
    after = {row.name: row for row in triton.statistics()}
    executions = after["classifier"].execution_count - before["classifier"].execution_count
    return Turn(
        rate=REQUESTS / seconds,
        batch=REQUESTS / executions,
        waits={name: waits(before[name], after[name]) for name in STAGES},
        cpu={name: 1000 * s / REQUESTS for name, s in {**cpu_s, "clients": sum(shares)}.items()},
    )


def waits(before: Statistics, after: Statistics) -> tuple[float, ...]:
    """Return what a request spent in the queue, its input, the model and its output, in ms."""
    fields = ("queue_ns", "compute_input_ns", "compute_infer_ns", "compute_output_ns")
    return tuple((getattr(after, f) - getattr(before, f)) / REQUESTS / 1e6 for f in fields)


def server_cpu(endpoint: Endpoint) -> dict[str, float]:
    """Return the CPU seconds of the server's own process and of each model's processes."""
    server = psutil.Process(endpoint.pid)
    seconds = dict.fromkeys((*STAGES, "tritonserver"), 0.0)
    for process in (server, *server.children(recursive=True)):
        words = " ".join(process.cmdline())
        name = next((name for name in STAGES if f" {name}_0" in words), "tritonserver")
        used = process.cpu_times()
        seconds[name] += used.user + used.system
    return seconds


def in_process(repository: Path, batch: int) -> tuple[float, float]:
    """Call the stages without a server; return files a second and CPU ms per file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = str(repository / "classifier/1/model.onnx")
    session = onnxruntime.InferenceSession(model, options)
    rules = verdict.setup(SimpleNamespace(model_folder=repository / "verdict"))
    files = [FILES[number % len(FILES)] for number in range(REQUESTS)]

    def classify(batch: Sequence[bytes]) -> None:
        content = np.array(batch, object).reshape(-1, 1)
        (scores,) = session.run(["target_label"], features.features(content))
        verdict.verdict(content, scores, context=SimpleNamespace(state=rules))

    began, used = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(INSTANCES) as threads:
        list(threads.map(classify, (files[i : i + batch] for i in range(0, REQUESTS, batch))))
    seconds, used = time.perf_counter() - began, time.process_time() - used
    return REQUESTS / seconds, used * 1000 / REQUESTS


def show(served: Turn, in_process_cpu: float) -> None:
    """Print where a file's time goes; a request waits while others are worked on."""
    print(f"  {'ms per file':14}{'queue':>8}{'input':>8}{'infer':>8}{'output':>8}{'CPU':>8}")
    for name in STAGES:
        columns = (*served.waits[name], served.cpu[name])
        print(f"  {name:14}" + "".join(f"{value:8.1f}" for value in columns))
    for name in ("tritonserver", "clients"):
        print(f"  {name:14}{served.cpu[name]:40.1f}")
    print(f"  {'together':14}{sum(served.cpu.values()):40.1f}")
    print(f"  {'in one process':14}{in_process_cpu:40.1f}")


if __name__ == "__main__":
    main()
