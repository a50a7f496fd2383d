"""A server that stands still for a second, as an open and as a closed loop see it.

At R requests per second for T seconds, the stall of S seconds delays those that are due within it:
one due u seconds after its begin waits S - u. So the share (S - x) / T of all waits longer than x,
and the 99.9th percentile is S - T / 1000. A closed loop sends nothing while it waits: of its
thousands of requests only as many as it has users see the stall.
"""

import tempfile
from pathlib import Path

from benchmarks._load import Program, level, serve

RATE, SECONDS, STALL_S, AT_S, USERS = 100, 20, 1.0, 8, 4

MODEL = f"""
import time
import triton_python_backend_utils as pb


class TritonPythonModel:
    def initialize(self, args):
        self.first = self.stalled = None

    def execute(self, requests):
        now = time.monotonic()
        self.first = self.first or now
        if not self.stalled and now - self.first > {AT_S}:
            self.stalled = True
            time.sleep({STALL_S})
        inputs = [pb.get_input_tensor_by_name(request, "X") for request in requests]
        return [pb.InferenceResponse([pb.Tensor("Y", x.as_numpy())]) for x in inputs]
"""


def main() -> None:
    """Print both percentiles beside the analytic one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = Program(folder)
        times = {"duration_s": SECONDS, "warmup_s": 1}
        with serve(folder, {"open": MODEL, "closed": MODEL}) as endpoint:
            opened = program.run("open", endpoint.http, level("constant", RATE), **times)
            closed = program.run("closed", endpoint.http, level("closed", USERS), **times)
    analytic_ms = (STALL_S - SECONDS / 1000) * 1000
    ours, theirs = (each["total"]["latency_us"]["p99.9"] / 1000 for each in (opened, closed))
    off = ours / analytic_ms - 1
    verdict = "within 5%" if abs(off) <= 0.05 else "NOT within 5%"
    print(
        f"coordinated_omission: p99.9 with a stall of {STALL_S:g} s is {ours:.0f} ms in an open"
        f" loop ({off:+.1%} of the analytic {analytic_ms:.0f} ms: {verdict}; {RATE} requests/s for"
        f" {SECONDS} s); a closed loop of {USERS} users says {theirs:.0f} ms"
    )


if __name__ == "__main__":
    main()
