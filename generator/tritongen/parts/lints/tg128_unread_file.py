"""The files of some models can't be read here.

A TensorRT engine is read on its GPU only, TorchScript carries no shapes, a frozen graph names no
outputs, some forests need a library that is not installed. Their tensors are taken as they are
declared, and what the files really hold is found out when Triton loads them.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.parts.lints._backends import Backed, backed
from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "note"


def check(plan: Plan) -> Iterator[Complaint]:
    """Name the models whose declared tensors nothing was compared with, once for all."""
    unread = [item for item in backed(plan) if _is_unread(item)]
    if not unread:
        return
    names = ", ".join(f"{item.model.name} ({_file(item)})" for item in unread)
    readers = sorted({reader for item in unread if (reader := _reader(item))})
    yield Complaint(
        path=unread[0].model.path,
        message=f"nothing here reads the tensors of {names}",
        why="they are taken as declared; Triton compares them with the files when it loads them",
        fix=f"install {' '.join(readers)} to have more of them read" if readers else "",
    )


def _is_unread(item: Backed) -> bool:
    form = item.backend.format(item.model.config)
    if form is None or not form.compared or item.facts is None or not item.facts.files:
        return False
    return item.facts.inputs is None


def _file(item: Backed) -> str:
    form = item.backend.format(item.model.config)
    said = item.model.config.default_model_filename
    return said or (form.file if form else "")


def _reader(item: Backed) -> str:
    form = item.backend.format(item.model.config)
    return form.reader if form else ""
