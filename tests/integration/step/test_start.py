"""What a step finds when it starts, and why it refuses to."""

import numpy as np
import pytest
from tests.integration.step.conftest import Load, tensor

from tritongen.triton import Request, Triton, TritonError

pytestmark = pytest.mark.server

X_TO_Y = tensor("input", "x", "FP32") + tensor("output", "y", "FP32")


def test_setup_runs_once_and_its_state_folders_and_parameters_reach_the_function(
    load: Load, triton: Triton
) -> None:
    source = """
        import local_module
        import model_wide
        import numpy as np

        def setup(context):
            return {"calls": 0, "weights": (context.model_folder / "weights.txt").read_text()}

        def step(x, *, context):
            context.state["calls"] += 1
            said = [
                context.state["calls"],
                context.state["weights"],
                context.folder.name,
                context.version,
                context.parameters["scale"],
                context.device_kind,
                context.device_id,
                local_module.NAME,
                model_wide.NAME,
            ]
            return {"said": np.array([[" ".join(map(str, said))]], object)}
    """
    config = tensor("input", "x", "FP32") + tensor("output", "said", "STRING")
    parameter = 'parameters { key: "scale" value { string_value: "0.5" } }\n'
    instances = "instance_group { kind: KIND_CPU }\n"
    files = {
        "weights.txt": "W",
        "1/local_module.py": "NAME = 'local'",
        "model_wide.py": "NAME = 'wide'",
    }
    model = load(source, f"max_batch_size: 1\n{config}{parameter}{instances}", files=files)
    request = Request(model=model, inputs={"x": np.ones((1, 1), np.float32)})
    for call in (1, 2):
        (said,) = triton.infer(request).outputs["said"].ravel().tolist()
        assert said.decode() == f"{call} W 1 1 0.5 CPU 0 local wide"


REFUSALS = {
    "import error": (
        "import no_such_module\ndef step(x): ...",
        X_TO_Y,
        "step: ModuleNotFoundError: No module named 'no_such_module' (user_step.py:1)",
    ),
    "syntax error": ("def step(x: ...", X_TO_Y, "step: SyntaxError: "),
    "no function": ("def other(x): ...", X_TO_Y, "step: user_step.py has no such function"),
    "setup fails": (
        "def setup(context):\n    raise RuntimeError('no weights')\ndef step(x): ...",
        X_TO_Y,
        "step: RuntimeError: no weights (user_step.py:2)",
    ),
    "input not taken": (
        "def step(z): ...",
        X_TO_Y,
        "step: can't be called with inputs ['x']: missing a required argument: 'z'",
    ),
    "optional input without default": (
        "def step(x): ...",
        tensor("input", "x", "FP32", "1", "optional: true") + tensor("output", "y", "FP32"),
        "step: can't be called with inputs []: missing a required argument: 'x'",
    ),
    "generator without decoupled": (
        "def step(x):\n    yield {}",
        X_TO_Y,
        "step: yields, but config.pbtxt says decoupled: False",
    ),
    "decoupled without generator": (
        "def step(x): ...",
        f"{X_TO_Y}model_transaction_policy {{ decoupled: true }}",
        "step: does not yield, but config.pbtxt says decoupled: True",
    ),
    "bf16": (
        "def step(x): ...",
        tensor("input", "x", "BF16") + tensor("output", "y", "FP32"),
        "step: 'x' is TYPE_BF16, which numpy arrays can't carry: use TYPE_FP32",
    ),
    "no step.json": ("def step(x): ...", X_TO_Y, "step.json"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_can_not_be_served_is_refused_at_load(load: Load, case: str) -> None:
    source, config, message = REFUSALS[case]
    files = {"1/step.json": "{"} if case == "no step.json" else {}
    with pytest.raises(TritonError) as caught:
        load(source, f"max_batch_size: 8\n{config}", files=files)
    assert message in caught.value.message
