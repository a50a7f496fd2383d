"""TensorRT plans: engines for one kind of GPU and one version of TensorRT, read on a GPU only."""

from tritongen.parts.backends._backend import TEXT, Backend, Format, one_of
from tritongen.parts.backends._unread import unread

BACKEND = Backend(
    name="tensorrt",
    formats=(
        Format(
            file="model.plan",
            suffixes=(".plan", ".engine"),
            also=(".trt", ".bin"),
            settings={"platform": "tensorrt_plan"},
            inspect=unread,
        ),
    ),
    kinds=frozenset({"KIND_GPU", "KIND_MODEL"}),
    parameters={
        "execution_context_allocation_strategy": one_of("STATIC", "ON_PROFILE_CHANGE"),
        "enable_multi_device": TEXT,
        "multi_device_gpus": TEXT,
        "multi_device_per_rank_engines": TEXT,
    },
)
