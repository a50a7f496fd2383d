"""No image of Triton holds all backends of the models.

NVIDIA's image `-py3` has the general backends, `-vllm-python-py3` vLLM and Python,
`-trtllm-python-py3` TensorRT-LLM and Python. One server runs one image: models of several of them
need servers of their own, or an image that you build and name under `stack: {images: ...}`.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.parts import backends
from tritongen.records.finding import Complaint
from tritongen.records.images import images
from tritongen.records.plan import Plan
from tritongen.records.stack import TRITON

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain at the first model whose backend is not where the others' are."""
    said = plan.spec.stack and TRITON in plan.spec.stack.images
    if plan.stack is None or said:
        return
    seen: dict[str, str] = {}
    for model in plan.models.values():
        if model.kind in ("ensemble", "external"):
            continue
        backend = backends.name_of(model.config)
        if images().for_backends([*seen, backend]) is None:
            other = next(name for name in seen if images().for_backends([name, backend]) is None)
            yield Complaint(
                path=model.path,
                message=f"no image of Triton has {backend} (for {model.name}) and {other} "
                f"(for {seen[other]})",
                why="a server runs one image, and can't load what that has no backend for",
                fix="serve them by stacks of their own, or name an image that has both: "
                "stack: {images: {triton: ...}}",
            )
            return
        seen.setdefault(backend, model.name)
