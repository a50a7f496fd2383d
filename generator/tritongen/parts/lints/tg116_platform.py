"""A model's platform is unknown to Triton, or does not belong to its backend.

`platform` is Triton's older word for a backend together with a file format: `onnxruntime_onnx`,
`tensorrt_plan`, `pytorch_libtorch`... There is none for Python or custom backends; those are
named by `backend` alone. Triton refuses an unknown platform («unexpected platform type 'python'»)
and, for its four oldest backends, another one's platform («unexpected 'platform' and 'backend'
pair»). `ensemble` is a platform that only an entry of `ensembles:` has.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.messages import ModelConfig
from tritongen.records.plan import Plan

SEVERITY: Final = "error"

PLATFORMS = {
    "onnxruntime": ("onnxruntime_onnx",),
    "pytorch": ("pytorch_libtorch", "torch_aoti"),
    "tensorflow": ("tensorflow_graphdef", "tensorflow_savedmodel"),
    "tensorrt": ("tensorrt_plan",),
}
KNOWN = {platform for platforms in PLATFORMS.values() for platform in platforms}


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about platforms that Triton does not take."""
    for model in plan.models.values():
        if model.kind == "ensemble" or not model.config.platform:
            continue
        problem = _problem(model.config)
        if problem:
            yield Complaint(
                path=(*model.path, "platform"),
                message=f"{model.name}: {problem}",
                why="Triton refuses the model, and says why in its log only",
                fix="leave platform out; backend alone is enough",
            )


def _problem(config: ModelConfig) -> str:
    platform, backend = config.platform, config.backend
    if platform == "ensemble":
        return "the platform 'ensemble' is for an entry of ensembles:"
    if not backend and platform not in KNOWN:
        return f"no platform is called {platform!r}; they are: {', '.join(sorted(KNOWN))}"
    if backend in PLATFORMS and platform not in PLATFORMS[backend]:
        return f"the platform {platform!r} is not one of the backend {backend!r}"
    return ""
