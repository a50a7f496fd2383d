"""Reads ``tune:``."""

from typing import Any

from pydantic import ValidationError

from tritongen.records.tune import Tune
from tritongen.stages.load.codes import TYPE
from tritongen.stages.load.keys import plain, read_keys
from tritongen.stages.load.nodes import Entries, Node, describe
from tritongen.stages.load.report import Report


def read_tune(report: Report, node: Node | None) -> Tune | None:
    """Read ``tune:``; ``None`` if it was not said."""
    if node is None:
        return None
    if not isinstance(node, Entries):
        message = f"`tune` wants a mapping, found {describe(node)}"
        report.add(TYPE, node.place, message, fix="write `tune: {}` for all defaults")
        return None
    said = {key: plain(value) for key, value in node.values.items()}
    tune = read_keys(report, Tune, node, said, "`tune`")
    # What else is wrong with it is told as well: the other keys are read all the same.
    return tune or Tune.model_validate({key: said[key] for key in said if _stands(key, said[key])})


def _stands(key: str, value: Any) -> bool:
    """Tell whether a key can be read by itself; a goal excludes another one."""
    try:
        Tune.model_validate({key: value})
    except ValidationError:
        return False
    return key not in ("maximize", "minimize")
