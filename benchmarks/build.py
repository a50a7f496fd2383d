"""A build of 700 ONNX models, 300 Python steps and 200 ten-step ensembles against its floor.

The floor writes the same bytes with the same fsyncs: every configuration from its ``ModelConfig``
by protobuf's text format, every other file as it is, weights linked, one fsync per file and
folder. Both run as whole turns, one after the other, on fresh folders.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from google.protobuf import text_format

ONNX, STEPS, ENSEMBLES, LENGTH, PAIRS = 700, 300, 200, 10, 3


def write_spec(folder: Path, *, part: int = 1) -> Path:
    """Write the spec, its 700 model files (read-only, so that they may be linked) and a step.

    ``part`` divides all numbers: 10 writes a spec of 70 ONNX models, 30 steps and 20 ensembles.
    """
    import onnx
    from onnx import TensorProto, helper

    models, steps, ensembles = ONNX // part, STEPS // part, ENSEMBLES // part
    folder.mkdir(exist_ok=True)
    lines = ["name: many", "models:"]
    for number in range(models):
        shape: list[str | int | None] = ["batch", 16]
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
        y = helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)
        node = helper.make_node("Identity", ["x"], ["y"])
        graph = helper.make_graph([node], f"model {number}", [x], [y])
        opset = [helper.make_opsetid("", 17)]
        proto = helper.make_model(graph, opset_imports=opset, ir_version=8)
        onnx.save(proto, folder / f"m{number}.onnx")
        (folder / f"m{number}.onnx").chmod(0o444)
        lines.append(f"  m{number}: {{source: m{number}.onnx, max_batch_size: 8}}")
    (folder / "step.py").write_text("def step(x):\n    return {'y': x}\n")
    for number in range(steps):
        lines += [f"  s{number}:", "    python: step.py:step", "    input: {x: 'FP32[16]'}"]
        lines += ["    output: {y: 'FP32[16]'}", "    max_batch_size: 8"]
    lines.append("ensembles:")
    for number in range(ensembles):
        lines += [f"  e{number}:", "    steps:"]
        for step in range(LENGTH):
            model = f"m{(number + step) % models}" if step % 3 else f"s{(number + step) % steps}"
            reads = "x" if step == 0 else f"t{step}"
            writes = "y" if step == LENGTH - 1 else f"t{step + 1}"
            lines.append(
                f"      - {{model: {model}, input: {{x: {reads}}}, output: {{y: {writes}}}}}"
            )
    spec = folder / "spec.yaml"
    spec.write_text("\n".join(lines) + "\n")
    return spec


def build(spec: Path, root: Path) -> None:
    """Build as a user does, in a process of its own."""
    program = Path(sys.executable).parent / "tritongen"
    subprocess.run([program, "build", spec, "-o", root], check=True, capture_output=True)


def show_version() -> None:
    """Start the program and do nothing."""
    program = Path(sys.executable).parent / "tritongen"
    subprocess.run([program, "--version"], check=True, capture_output=True)


def write_floor(built: Path, root: Path) -> None:
    """Write what a build wrote, by the shortest way that is as durable."""
    from tritonclient.grpc.model_config_pb2 import ModelConfig

    files = [path for path in built.rglob("*") if path.is_file() and ".tritongen" not in path.parts]
    configs = {
        path: text_format.Parse(path.read_text(), ModelConfig())
        for path in files
        if path.name == "config.pbtxt"
    }
    texts = {path: path.read_bytes() for path in files if path.suffix not in (".pbtxt", ".onnx")}
    clock = time.perf_counter()
    for path in files:
        target = root / path.relative_to(built)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path in configs:
            text = text_format.MessageToString(configs[path], use_short_repeated_primitives=True)
            _write(target, text.encode())
        elif path in texts:
            _write(target, texts[path])
        else:
            os.link(path, target)
    for folder in {(root / path.relative_to(built)).parent for path in files}:
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    TIMES["floor"].append(time.perf_counter() - clock)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


TIMES: dict[str, list[float]] = {"build": [], "again": [], "floor": [], "version": []}


def _timed(name: str, run: Callable[[], object]) -> None:
    clock = time.perf_counter()
    run()
    TIMES[name].append(time.perf_counter() - clock)


def main() -> None:
    """Print the ratio, the time of a build that changes nothing, and that of ``--version``."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spec = write_spec(folder)
        for turn in range(PAIRS):
            built, floor = folder / f"built{turn}", folder / f"floor{turn}"
            _timed("build", partial(build, spec, built))
            _timed("again", partial(build, spec, built))
            write_floor(built, floor)
            _timed("version", show_version)
            shutil.rmtree(floor)
    medians = {name: statistics.median(times) for name, times in TIMES.items()}
    ratio = statistics.median(b / f for b, f in zip(TIMES["build"], TIMES["floor"], strict=True))
    print(
        f"build  {ratio:.2f}x the floor (goal 4x; {medians['build']:.2f} s against "
        f"{medians['floor']:.2f} s), no-op {medians['again']:.2f} s (goal 1.5 s), "
        f"--version {medians['version']:.2f} s (goal 0.25 s)"
    )


if __name__ == "__main__":
    main()
