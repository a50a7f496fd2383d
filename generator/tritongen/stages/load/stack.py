"""Reads ``stack:``."""

import math
import re
from typing import Any

from tritongen.records.stack import Stack
from tritongen.stages.load.codes import TYPE
from tritongen.stages.load.keys import plain, read_keys
from tritongen.stages.load.nodes import Entries, Items, Node, describe
from tritongen.stages.load.report import Report

WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
EXPONENT = "[eE][-+]?[0-9]+"
NUMBER = re.compile(rf"[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:{EXPONENT})?|[0-9]+{EXPONENT})")
WORDS = {"true": True, "false": False}


def read_stack(report: Report, node: Node | None) -> Stack | None:
    """Read ``stack:``; ``None`` if it was not said."""
    if node is None:
        return None
    if not isinstance(node, Entries):
        message = f"`stack` wants a mapping, found {describe(node)}"
        report.add(TYPE, node.place, message, fix="write `stack: {replicas: 2}`")
        return None
    keys = {key: _plain(key, value) for key, value in node.values.items()}
    return read_keys(report, Stack, node, keys, "`stack`")


def _plain(key: str, node: Node) -> Any:
    return typed(node) if key == "extra" else plain(node)


def typed(node: Node) -> Any:
    """Return a value for another program's file: a scalar without quotes is what it looks like."""
    if isinstance(node, Items):
        return [typed(item) for item in node.items]
    if isinstance(node, Entries):
        return {key: typed(value) for key, value in node.values.items()}
    if not node.plain:
        return node.text
    if node.text in WORDS:
        return WORDS[node.text]
    if WHOLE.fullmatch(node.text):
        return int(node.text)
    number = float(node.text) if NUMBER.fullmatch(node.text) else math.inf
    return number if math.isfinite(number) else node.text
