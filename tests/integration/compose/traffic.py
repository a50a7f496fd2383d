"""Requests at an even pace over HTTP and gRPC in turn, every one of them accounted for.

Run as a program: it asks a model that gives back X + 1 (or + 2, ...) until its input ends, and
prints what became of the requests. Nothing is sent twice: a request without its answer is lost.

    python traffic.py HOST:PORT HOST:PORT MODEL RATE
"""

import http.client
import itertools
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from subprocess import PIPE, Popen
from typing import Any

THREADS = 64
"""At half a second an answer, as many as 128 requests a second wait for theirs."""
TIMEOUT_S = 30
Ask = Callable[[int], int]


@dataclass
class Traffic:
    """What became of the requests: how often X grew by how much, and the reasons of the lost."""

    sent: int = 0
    grown: dict[int, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    slowest_s: float = 0

    @property
    def answered(self) -> int:
        """How many requests came back with an answer."""
        return sum(self.grown.values())


@contextmanager
def traffic(addresses: tuple[str, str], model: str, rate: float) -> Iterator[Traffic]:
    """Send requests from another process while the block runs; then the counts are there."""
    counts = Traffic()
    command = [sys.executable, "-W", "ignore", __file__, *addresses, model, str(rate)]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        try:
            assert process.stdout.readline() == "sending\n"
            yield counts
            process.stdin.close()
            found: dict[str, Any] = json.loads(process.stdout.read())
        finally:
            process.kill()
    counts.sent, counts.lost, counts.slowest_s = found["sent"], found["lost"], found["slowest_s"]
    counts.grown = {int(by): count for by, count in found["grown"].items()}


def http_client(address: str, model: str) -> Ask:
    connection = http.client.HTTPConnection(address, timeout=TIMEOUT_S)
    shape: dict[str, Any] = {"name": "x", "datatype": "INT32", "shape": [1, 1]}

    def ask(value: int) -> int:
        body = json.dumps({"inputs": [{**shape, "data": [value]}]})
        try:
            connection.request("POST", f"/v2/models/{model}/infer", body)
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == 200, f"{answer.status} {text[:200]!r}"
            return int(json.loads(text)["outputs"][0]["data"][0])
        except BaseException:
            connection.close()
            raise

    return ask


def grpc_client(address: str, model: str) -> Ask:
    import grpc
    from tritonclient.grpc import service_pb2, service_pb2_grpc

    once = (("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1))
    stub = service_pb2_grpc.GRPCInferenceServiceStub(grpc.insecure_channel(address, options=once))

    def ask(value: int) -> int:
        request = service_pb2.ModelInferRequest(model_name=model)
        request.inputs.add(name="x", datatype="INT32", shape=[1, 1])
        request.raw_input_contents.append(value.to_bytes(4, "little"))
        answer = stub.ModelInfer(request, timeout=TIMEOUT_S)
        return int.from_bytes(answer.raw_output_contents[0], "little")

    return ask


def send(clients: list[Ask], rate: float, stop: threading.Event) -> Traffic:
    """Send the next request of all every ``1 / rate`` seconds by whichever thread is free."""
    counts, lock, numbers = Traffic(), threading.Lock(), itertools.count()
    began = time.monotonic()

    def work(ask: Ask) -> None:
        while True:
            with lock:
                number = next(numbers)
            stop.wait(max(0.0, began + number / rate - time.monotonic()))
            if stop.is_set():
                return
            sent = time.monotonic()
            try:
                grown, lost = ask(number) - number, None
            except Exception as error:
                grown, lost = 0, f"{time.monotonic() - began:.1f} s: {error!r}"[:400]
            with lock:
                counts.sent += 1
                counts.slowest_s = max(counts.slowest_s, time.monotonic() - sent)
                if lost:
                    counts.lost.append(lost)
                else:
                    counts.grown[grown] = counts.grown.get(grown, 0) + 1

    threads = [threading.Thread(target=work, args=(ask,)) for ask in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts


def main() -> None:
    http_address, grpc_address, model, rate = sys.argv[1:]
    clients = [
        client
        for _ in range(THREADS // 2)
        for client in (http_client(http_address, model), grpc_client(grpc_address, model))
    ]
    stop = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait).start()
    print("sending", flush=True)
    print(json.dumps(asdict(send(clients, float(rate), stop))))


if __name__ == "__main__":
    main()
