"""A declared tensor has another data type than in the model's file.

Triton compares both when it loads the model and refuses it («configuration expects datatype
TYPE_FP64 for input 'x', model provides TYPE_FP32»). Nothing is cast.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.messages import DataType
from tritongen.records.plan import Plan, short_type
from tritongen.records.views import declared_tensors

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about declared types that differ from the file's."""
    for item in declared_tensors(plan):
        declared = DataType.Name(item.tensor.data_type)
        if declared not in (item.facts.data_type, "TYPE_INVALID"):
            yield Complaint(
                path=item.path,
                message=f"{item.label} is declared {short_type(declared)}, "
                f"its file has {short_type(item.facts.data_type)}",
                why="Triton refuses the model; it never casts",
                fix=f"declare it {short_type(item.facts.data_type)}, or leave its type out",
            )
