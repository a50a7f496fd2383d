"""An import of 2,000 models: ONNX, Python and TensorRT ones, and ten-step ensembles.

It includes the proof: the spec is built back in memory and compared with what was read.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ONNX, PYTHON, PLANS, ENSEMBLES, LENGTH = 700, 700, 400, 200, 10
GOAL_S = 10

MODEL = "class TritonPythonModel:\n    def execute(self, requests):\n        return []\n"
TENSORS = """max_batch_size: 8
input [ {{ name: "{x}" data_type: TYPE_FP32 dims: [ 16 ] }} ]
output [ {{ name: "{y}" data_type: TYPE_FP32 dims: [ 16 ] }} ]
instance_group [ {{ kind: KIND_CPU count: 2 }} ]
dynamic_batching {{ preferred_batch_size: [ 4, 8 ] max_queue_delay_microseconds: 100 }}
parameters {{ key: "threads" value {{ string_value: "{threads}" }} }}
"""


def write_repository(folder: Path) -> None:
    """Write the models; every fourth ONNX model is what its configuration says and no more."""

    from onnx import TensorProto, helper

    def write(name: str, config: str, file: str, content: bytes) -> None:
        (folder / name / "1").mkdir(parents=True)
        (folder / name / "config.pbtxt").write_text(config)
        (folder / name / "1" / file).write_bytes(content)

    for number in range(ONNX):
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 16]) for name in "xy"
        ]
        node = helper.make_node("Identity", ["x"], ["y"])
        graph = helper.make_graph([node], f"model {number}", ends[:1], ends[1:])
        opset = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=8)
        config = 'platform: "onnxruntime_onnx"\n' + TENSORS.format(x="x", y="y", threads=number)
        write(f"onnx_{number}", config, "model.onnx", model.SerializeToString())
    for number in range(PYTHON):
        config = 'backend: "python"\n' + TENSORS.format(x="x", y="y", threads=number)
        write(f"python_{number}", config, "model.py", MODEL.encode())
    for number in range(PLANS):
        config = 'platform: "tensorrt_plan"\n' + TENSORS.format(x="in", y="out", threads=number)
        write(f"plan_{number}", config, "model.plan", b"ptrt" + number.to_bytes(4, "big"))
    for number in range(ENSEMBLES):
        write(f"ensemble_{number}", _ensemble(number), ".gitkeep", b"")


def _ensemble(number: int) -> str:
    steps = []
    for step in range(LENGTH):
        kind = "python" if step % 3 else "onnx"
        member = f"{kind}_{(number * 3 + step) % (PYTHON if step % 3 else ONNX)}"
        reads, writes = f"t{step}", f"t{step + 1}"
        steps.append(
            f'{{ model_name: "{member}" model_version: -1 '
            f'input_map {{ key: "x" value: "{reads}" }} '
            f'output_map {{ key: "y" value: "{writes}" }} }}'
        )
    return (
        'platform: "ensemble"\nmax_batch_size: 8\n'
        'input [ { name: "t0" data_type: TYPE_FP32 dims: [ 16 ] } ]\n'
        f'output [ {{ name: "t{LENGTH}" data_type: TYPE_FP32 dims: [ 16 ] }} ]\n'
        f"ensemble_scheduling {{ step [ {', '.join(steps)} ] }}\n"
    )


def main() -> None:
    """Print how long an import takes, in a process of its own."""
    program = Path(sys.executable).parent / "tritongen"
    with tempfile.TemporaryDirectory() as name:
        repository = Path(name, "model_repository")
        write_repository(repository)
        spec = Path(name, "spec.yaml")
        clock = time.perf_counter()
        run = [str(program), "import", str(repository), "-o", str(spec)]
        done = subprocess.run(run, check=True, capture_output=True, text=True)
        took = time.perf_counter() - clock
        lines = len(spec.read_text().splitlines())
    total = ONNX + PYTHON + PLANS + ENSEMBLES
    print(
        f"import_repository  {took:.2f} s for {total:,} models, {lines:,} lines of spec "
        f"(goal {GOAL_S} s); {done.stdout.strip().rpartition('; ')[2]}"
    )


if __name__ == "__main__":
    main()
