"""``tritongen check`` of 100 models, of 1,000 with 200 ten-step ensembles, and of 10,000 steps.

All as a user runs them, start-up included; the model files are read once before, as by any
earlier command.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.build import write_spec

RUNS, STEPS = 5, 10_000


def write_long_spec(folder: Path) -> Path:
    """Write a spec of one step function and one ensemble that runs it 10,000 times."""
    (folder / "step.py").write_text("def step(x):\n    return {'y': x}\n")
    lines = ["models:", "  s:", "    python: step.py:step", "    input: {x: 'FP32[16]'}"]
    lines += ["    output: {y: 'FP32[16]'}", "ensembles:", "  e:", "    steps:"]
    for step in range(STEPS):
        lines.append(f"      - {{model: s, input: {{x: t{step}}}, output: {{y: t{step + 1}}}}}")
    spec = folder / "long.yaml"
    spec.write_text("\n".join(lines) + "\n")
    return spec


def check(spec: Path) -> float:
    """Check as a user does, in a process of its own; return the seconds."""
    program = Path(sys.executable).parent / "tritongen"
    clock = time.perf_counter()
    subprocess.run([program, "check", spec], check=True, capture_output=True)
    return time.perf_counter() - clock


def main() -> None:
    """Print the median times."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        hundred, many = write_spec(folder / "hundred", part=10), write_spec(folder / "many")
        long = write_long_spec(folder)
        unread = check(hundred)
        usual = [check(hundred) for _ in range(RUNS)]
        first = check(many)
        again = statistics.median(check(many) for _ in range(RUNS))
        steps = statistics.median(check(long) for _ in range(RUNS))
    print(
        f"check  100 models and 20 ten-step ensembles in {statistics.median(usual):.2f} s, at most "
        f"{max(*usual, unread):.2f} s (goal 1 s; {unread:.2f} s with unread model files)\n"
        f"check  1,000 models and 200 ten-step ensembles in {again:.2f} s (goal 3 s; {first:.2f} s "
        f"with unread model files), a 10,000-step ensemble in {steps:.2f} s"
    )


if __name__ == "__main__":
    main()
