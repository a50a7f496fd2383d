"""A plain step under 32 clients against the usual ``model.py`` that loops over the requests.

A call costs 1 ms, however many rows it has; the loop calls once for each request. Same server,
same batcher, one instance each, turns taken one after the other. The clients' ceiling is what the
same clients get from a plain step that costs nothing.
"""

import json
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any

from tritongen import runtime
from tritongen.parts.engines.embedded import RELEASE, Serving
from tritongen.records.endpoint import Endpoint
from tritongen.records.release import releases
from tritongen.stages.run import run
from tritongen.triton import Triton

PROCESSES, THREADS, PAIRS, REQUESTS = 4, 8, 5, 1600

CONFIG = """
backend: "python"
max_batch_size: 32
input { name: "x" data_type: TYPE_FP32 dims: [16] }
output { name: "y" data_type: TYPE_FP32 dims: [16] }
instance_group { kind: KIND_CPU count: 1 }
dynamic_batching {}
"""
STEP = """
import time

def joined(x):
    time.sleep(0.001)
    return {"y": x * 2}

def free(x):
    return {"y": x * 2}
"""
LOOP = """
import time
import triton_python_backend_utils as pb_utils

class TritonPythonModel:
    def execute(self, requests):
        responses = []
        for request in requests:
            x = pb_utils.get_input_tensor_by_name(request, "x").as_numpy()
            time.sleep(0.001)
            responses.append(pb_utils.InferenceResponse([pb_utils.Tensor("y", x * 2)]))
        return responses
"""


def main() -> None:
    """Print the ratio of throughputs, executions per request, and the clients' ceiling."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(Path(folder)) as endpoint,
        Triton(http=endpoint.http, grpc=endpoint.grpc) as triton,
        multiprocessing.get_context("spawn").Pool(PROCESSES) as pool,
    ):
        for model in ("loop", "joined", "free"):
            throughput(pool, endpoint, model, REQUESTS // 10)
        (before,) = triton.statistics("joined")
        pairs = [
            [throughput(pool, endpoint, model, REQUESTS) for model in ("loop", "joined")]
            for _ in range(PAIRS)
        ]
        (after,) = triton.statistics("joined")
        ceiling = max(throughput(pool, endpoint, "free", REQUESTS) for _ in range(PAIRS))
    executions = after.execution_count - before.execution_count
    loop, joined = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(joined / loop for loop, joined in pairs)
    print(
        f"plain_step: {ratio:.1f}x the throughput of a loop over the requests"
        f" ({joined:.0f} v {loop:.0f} requests/s, median of {PAIRS} pairs,"
        f" {PROCESSES * THREADS} clients, 1 ms a call),"
        f" {executions / (PAIRS * REQUESTS):.2f} executions a request;"
        f" the clients' ceiling is {ceiling:.0f} requests/s"
    )


@contextmanager
def serve(folder: Path) -> Iterator[Endpoint]:
    """Serve the three models on free ports."""
    runner = Path(runtime.__file__).with_name("step.py").read_text("utf-8")
    for name, text in {"loop": LOOP, "joined": runner, "free": runner}.items():
        version = folder / "repository" / name / "1"
        version.mkdir(parents=True)
        (version.parent / "config.pbtxt").write_text(f'name: "{name}"{CONFIG}')
        (version / "model.py").write_text(text)
        (version / "steps.py").write_text(STEP)
        what = {"file": "steps.py", "function": name, "join": True}
        (version / "step.json").write_text(json.dumps(what))
    serving = Serving(
        root=folder / "run",
        repository=folder / "repository",
        release=releases()[RELEASE],
        environment=os.environ,
        options=(),
        auto_complete=False,
        usual_ports=False,
        timeout_s=60,
    )
    with run(serving) as endpoint:
        yield endpoint


def throughput(pool: Any, endpoint: Endpoint, model: str, requests: int) -> float:
    """Return the requests per second that all clients get together, each waiting for its answer."""
    share = requests // (PROCESSES * THREADS)
    spans = pool.starmap(drive, repeat((endpoint.grpc, model, share), PROCESSES), chunksize=1)
    seconds: float = max(end for _, end in spans) - min(start for start, _ in spans)
    return PROCESSES * THREADS * share / seconds


def drive(address: str, model: str, share: int) -> tuple[float, float]:
    """Send ``share`` requests from each thread; return when they began and ended (monotonic)."""
    import grpc
    from tritonclient.grpc import service_pb2 as v2

    tensor = v2.ModelInferRequest.InferInputTensor(name="x", datatype="FP32", shape=[1, 16])
    request = v2.ModelInferRequest(
        model_name=model, inputs=[tensor], raw_input_contents=[bytes(64)]
    ).SerializeToString()
    with grpc.insecure_channel(address) as channel, ThreadPoolExecutor(THREADS) as threads:
        infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        infer(request)
        start = time.monotonic()
        list(threads.map(lambda _: [infer(request) for _ in range(share)], range(THREADS)))
        return start, time.monotonic()


if __name__ == "__main__":
    main()
