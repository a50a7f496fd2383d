"""Reads ``tune:``."""

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
    return read_keys(report, Tune, node, plain(node), "`tune`")
