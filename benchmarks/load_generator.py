"""The load program against the same calls in a bare ``tritonclient`` loop, and perf_analyzer.

A tiny model, eight clients, one process each. The ceiling is a closed loop's throughput; latency is
taken at half of it, where neither queues. Turns are taken one after the other; a ratio is that of a
pair, and beside it is how far each side's turns lie apart. The bare loop is the quicker form of
``tritonclient``: greenlets for HTTP, threads for gRPC. At half load it sends at fixed times too, no
more than eight at once, and counts from when it really sent: our figure from then, with as many on
their way at most, is held against it.

``PERF_ANALYZER``, if set, is NVIDIA's program: its ceiling at the same concurrency and its latency
at the same rate are held against ours too, turn by turn.
"""

import multiprocessing
import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks._load import Program, level, serve

CLIENTS, CEILINGS, PAIRS, SECONDS = 8, 3, 9, 1
GOALS = {"http": 0.9, "grpc": 0.7}

MODEL = """
import triton_python_backend_utils as pb


class TritonPythonModel:
    def execute(self, requests):
        inputs = [pb.get_input_tensor_by_name(request, "X") for request in requests]
        return [pb.InferenceResponse([pb.Tensor("Y", x.as_numpy())]) for x in inputs]
"""
Pairs = list[tuple[float, float]]
Quantiles = tuple[float, float]
"""The 50th and 99th percentile of latency in microseconds."""


def main() -> None:
    """Print a line for each protocol."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = Program(folder)
        with serve(folder, {"tiny": MODEL}) as endpoint:
            for protocol, address in (("http", endpoint.http), ("grpc", endpoint.grpc)):
                with multiprocessing.get_context("spawn").Pool(1) as bare:
                    print(measure(program, bare, protocol, address))


def measure(program: Program, bare: Any, protocol: str, address: str) -> str:
    """Return the line of a protocol."""

    def loop(rate: float) -> list[float]:
        latencies: list[float] = bare.apply(clients, (protocol, address, rate))
        return latencies

    def ours(arrivals: dict[str, Any]) -> Any:
        said = {"duration_s": SECONDS, "warmup_s": 0.5, "max_in_flight": CLIENTS}
        return program.run("tiny", address, arrivals, protocol=protocol, **said)["total"]

    loop(0)  # imports what it needs
    ceilings: Pairs = [
        (ours(level("closed", CLIENTS))["rate"], len(loop(0)) / SECONDS) for _ in range(CEILINGS)
    ]
    theirs = statistics.median(rate for _, rate in ceilings)
    half = min(statistics.median(rate for rate, _ in ceilings), theirs) / 2
    rivals: dict[str, list[tuple[Quantiles, Quantiles]]] = {"the bare loop": []}
    for _ in range(PAIRS):
        measured, alone = ours(level("constant", half))["service_us"], loop(half)
        mine = (measured["p50"], measured["p99"])
        rivals["the bare loop"].append((mine, (percentile(alone, 50), percentile(alone, 99))))
        if theirs_at := analyzer_at(half, protocol, address):
            rivals.setdefault("perf_analyzer", []).append((mine, theirs_at))
    ratio = statistics.median(a / b for a, b in ceilings)
    met = "" if ratio >= GOALS[protocol] else "NOT "
    return (
        f"load_generator: {protocol}: {ratio:.2f}x the requests/s of a bare tritonclient loop"
        f" ({met}>= {GOALS[protocol]}; {column(ceilings, 0)} v {column(ceilings, 1)} requests/s,"
        f" {CLIENTS} clients{other(protocol, address)}); at half load ({half:.0f}/s, {PAIRS} pairs)"
        " " + "; ".join(f"against {name}: {both(turns)}" for name, turns in rivals.items())
    )


def both(turns: Sequence[tuple[Quantiles, Quantiles]]) -> str:
    """Say how far the medians and the tails of two programs are apart."""
    medians, tails = ([(ours[i], theirs[i]) for ours, theirs in turns] for i in range(2))
    return f"p50 {compared(medians, 0.1, 200)}, p99 {compared(tails, 0.25, 1000)}"


def compared(pairs: Pairs, share: float, slack_us: float) -> str:
    """Say how far two latencies are apart, and whether that is within a share or a slack."""
    theirs = statistics.median(alone for _, alone in pairs)
    away = statistics.median(a - b for a, b in pairs)
    met = "" if away <= max(share * theirs, slack_us) else "NOT "
    limit = f"{met}within {share:.0%} or {slack_us:g} us"
    return f"{column(pairs, 0)} v {column(pairs, 1)} us ({away:+.0f}: {limit})"


def column(pairs: Pairs, side: int) -> str:
    """Return the median of a side and how far its turns lie apart (middle half)."""
    values = [pair[side] for pair in pairs]
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.0f} +-{(high - low) / 2 / middle:.0%}"


def percentile(seconds: Sequence[float], percent: int) -> float:
    """Return a percentile of seconds in microseconds."""
    return statistics.quantiles(seconds, n=100)[percent - 1] * 1e6


def other(protocol: str, address: str) -> str:
    """Return what perf_analyzer reaches, if there is one."""
    if "PERF_ANALYZER" not in os.environ:
        return ""
    printed = analyzer(protocol, address, 3000, "--concurrency-range", str(CLIENTS))
    found = re.findall(r"throughput: ([\d.]+)", printed)
    return f"; perf_analyzer: {float(found[-1]):.0f}" if found else "; perf_analyzer failed"


def analyzer_at(rate: float, protocol: str, address: str) -> Quantiles | None:
    """Return perf_analyzer's latency at a constant rate, if there is one."""
    if "PERF_ANALYZER" not in os.environ:
        return None
    paced = ["--request-rate-range", f"{rate:.0f}", "--request-distribution", "constant"]
    printed = analyzer(protocol, address, round(rate * SECONDS / 2), *paced)
    found = [re.search(rf"p{percent} latency: (\d+)", printed) for percent in (50, 99)]
    if not all(found):
        raise SystemExit(f"perf_analyzer printed no latency:\n{printed}")
    median, tail = (float(each[1]) for each in found if each)
    return median, tail


def analyzer(protocol: str, address: str, requests: int, *load: str) -> str:
    """Run perf_analyzer on the tiny model and return what it prints.

    It measures at least three windows of so many requests, whether they agree or not.
    """
    said = ["-m", "tiny", "-u", address, "-i", protocol, "--shape", "X:16", "-s", "999"]
    windows = ["--measurement-mode", "count_windows", "--measurement-request-count", str(requests)]
    ran = subprocess.run(
        [os.environ["PERF_ANALYZER"], *said, *windows, "--max-trials", "3", *load],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ran.stdout


# ---- the bare loop, in a process of its own ----


def clients(protocol: str, address: str, rate: float) -> list[float]:
    """Call from all clients for a while, at ``rate`` requests per second together.

    At rate 0 each calls as soon as it has its answer. Returns the latencies in seconds.
    """
    if protocol == "http":
        return _greenlets(address, rate)
    from tritonclient import grpc

    with ThreadPoolExecutor(CLIENTS) as threads:
        begin = time.perf_counter() + 0.1

        def run(number: int) -> list[float]:
            with grpc.InferenceServerClient(address) as client:
                call = _call(grpc, client)
                return _loop(call, time.sleep, begin, rate, number)

        return [latency for each in threads.map(run, range(CLIENTS)) for latency in each]


def _greenlets(address: str, rate: float) -> list[float]:
    import gevent
    from tritonclient import http

    client = http.InferenceServerClient(address, concurrency=CLIENTS)
    call, begin = _call(http, client), time.perf_counter() + 0.1
    jobs = [
        gevent.spawn(_loop, call, gevent.sleep, begin, rate, number) for number in range(CLIENTS)
    ]
    gevent.joinall(jobs, raise_error=True)
    client.close()
    return [latency for job in jobs for latency in job.value]


def _call(module: Any, client: Any) -> Callable[[], object]:
    import numpy as np

    tensor = module.InferInput("X", [1, 16], "FP32")
    tensor.set_data_from_numpy(np.zeros((1, 16), np.float32))
    return lambda: client.infer("tiny", [tensor])


def _loop(
    call: Callable[[], object],
    sleep: Callable[[float], object],
    begin: float,
    rate: float,
    number: int,
) -> list[float]:
    call()
    latencies = []
    due = begin + (number / rate if rate else 0)
    while (now := time.perf_counter()) < begin + SECONDS:
        if due > now:
            sleep(due - now)
        sent = time.perf_counter()
        call()
        latencies.append(time.perf_counter() - sent)
        due += CLIENTS / rate if rate else 0
    return latencies


if __name__ == "__main__":
    main()
