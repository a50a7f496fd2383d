"""``tritongen up`` until the flagship's first answer, against the same repository by hand.

By hand is tritonserver itself on a repository that is built already, with the same backends and
the same polling. ``up`` reads, checks and builds (nothing is left to write) before it starts it.
"""

import json
import os
import socket
import statistics
import subprocess
import tempfile
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from benchmarks._flagship import SPEC, TRITONGEN, build
from tritongen.parts.engines.embedded import RELEASE
from tritongen.parts.engines.embedded.installation import installation
from tritongen.parts.engines.embedded.surroundings import lay_out_backends, lay_out_interpreter
from tritongen.records.release import releases

PAIRS, PATIENCE_S = 5, 60
SERVICES = ("http", "grpc", "metrics")
TENSOR = {"name": "content", "shape": [1, 1], "datatype": "BYTES", "data": ["import os\nimport re"]}


def main() -> None:
    """Print the ratio of the medians."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        by_hand = hand_command(root, build(root))
        up = [TRITONGEN, "up", str(SPEC), "-o", str(root), "--"]
        environment = hand_environment(root)
        times: dict[str, list[float]] = {"up": [], "by hand": []}
        for _ in range(PAIRS):
            times["up"].append(seconds_to_answer(up, dict(os.environ)))
            times["by hand"].append(seconds_to_answer(by_hand, environment))
    medians = {name: statistics.median(of) for name, of in times.items()}
    print(
        f"startup  {medians['up'] / medians['by hand']:.2f}x of starting by hand (goal 1.3x): "
        f"first answer after {medians['up']:.2f} s against {medians['by hand']:.2f} s"
    )


def hand_command(root: Path, repository: Path) -> list[str]:
    """Lay out backends as ``up`` does, and return the command that a person would type."""
    wheel = installation()
    lay_out_backends(root / "backends", wheel, releases()[RELEASE])
    lay_out_interpreter(root / "python", os.environ.get("PYTHONPATH", ""))
    return [
        str(wheel.server),
        f"--model-repository={repository}",
        f"--backend-directory={root / 'backends'}",
        "--disable-auto-complete-config",
        *(f"--{service}-address=127.0.0.1" for service in SERVICES),
    ]


def hand_environment(root: Path) -> dict[str, str]:
    """Return the environment in which that command finds its libraries and Python."""
    path = f"{root / 'python' / 'bin'}:{os.environ['PATH']}"
    return {**os.environ, "LD_LIBRARY_PATH": installation().library_path, "PATH": path}


def seconds_to_answer(command: list[str], environment: dict[str, str]) -> float:
    """Start a server, wait for its first answer, stop it."""
    ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
    command = command + [f"--{service}-port={port}" for service, port in ports.items()]
    began = time.perf_counter()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            while not answers(ports["http"]):
                if process.poll() is not None or time.perf_counter() - began > PATIENCE_S:
                    raise SystemExit(f"no answer from: {' '.join(command)}")
                time.sleep(0.01)
            return time.perf_counter() - began
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def answers(port: int) -> bool:
    """Return whether the server is ready and answers a request."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/v2/health/ready")
        ready = connection.getresponse()
        ready.read()
        if ready.status != 200:
            return False
        connection.request("POST", "/v2/models/filetype/infer", json.dumps({"inputs": [TENSOR]}))
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


if __name__ == "__main__":
    main()
