"""DALI pipelines, serialized or as the Python file that makes them."""

from tritongen.parts.backends._backend import TEXT, Backend, Format
from tritongen.parts.backends._unread import unread

BACKEND = Backend(
    name="dali",
    formats=(
        Format(file="model.dali", suffixes=(".dali",), inspect=unread),
        Format(file="dali.py", also=(".py",), inspect=unread, found=True),
    ),
    kinds=frozenset({"KIND_CPU", "KIND_GPU"}),
    parameters={"split_along_outer_axis": TEXT},
)
