"""A backend is called by a name that it does not have.

The backend is the name of a folder on the server: `pytorch`, not `libtorch`; `onnxruntime`, not
`onnx`. Triton's older words such as `onnxruntime_onnx` are platforms, and `ensemble` is none:
ensembles have an entry of their own. Triton looks for the folder and refuses the model («unable to
find backend library for backend 'onnx'»).
"""

from collections.abc import Iterator
from typing import Final

from tritongen.parts import backends
from tritongen.parts.lints._backends import backed
from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "error"

MEANT = backends.PLATFORMS | {
    alias: backend.name for backend in backends.TABLE.values() for alias in backend.aliases
}


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about words that are no backend's name."""
    for item in backed(plan):
        name = item.model.config.backend
        if name in MEANT or name == "ensemble":
            yield Complaint(
                path=(*item.model.path, "backend"),
                message=f"{item.model.name}: no backend is called {name!r}",
                why="Triton looks for a backend's library by this name, and finds none",
                fix=f"say backend: {MEANT[name]}" if name in MEANT else "write it in ensembles:",
            )
