"""Several ONNX instances on the CPU each take all of its cores.

An instance of the ONNX Runtime backend starts as many threads as there are cores, unless
`intra_op_thread_count` says how many. With two instances, two threads fight for each core, and
both are slower than one alone. Instances times threads should not exceed the cores.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.messages import ModelInstanceGroup
from tritongen.records.plan import Plan

SEVERITY: Final = "warning"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about several CPU instances without a number of threads."""
    for model in plan.models.values():
        groups = model.config.instance_group
        count = sum(g.count for g in groups if g.kind == ModelInstanceGroup.KIND_CPU)
        threads = (
            model.config.parameters["intra_op_thread_count"].string_value
            if ("intra_op_thread_count" in model.config.parameters)
            else "0"
        )
        if model.config.backend == "onnxruntime" and count > 1 and threads == "0":
            yield Complaint(
                path=(*model.path, "instance_group"),
                message=f"{model.name} has {count} instances on the CPU, "
                "each with as many threads as there are cores",
                why="they fight for the cores, and each is slower than one alone",
                fix="say how many each takes: parameters: {intra_op_thread_count: 1}",
            )
