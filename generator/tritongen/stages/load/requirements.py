"""Reads ``requirements:``: pip's lines, as a list, as text, or from a file."""

import re
from pathlib import Path

from tritongen.stages.load.codes import TYPE
from tritongen.stages.load.keys import plain
from tritongen.stages.load.nodes import Items, Node, Text, describe
from tritongen.stages.load.read import read
from tritongen.stages.load.report import Report

COMMENT = re.compile(r"(^|\s)#.*")
CONTINUED = re.compile(r"\s*\\\r?\n\s*")


def read_requirements(report: Report, node: Node) -> list[str]:
    """Return pip's lines: a list, a text of several lines, or those of a file."""
    if isinstance(node, Items) and all(isinstance(item, Text) for item in node.items):
        return [str(plain(item)) for item in node.items]
    if not isinstance(node, Text):
        message = f"`requirements` wants a list of pip lines or a file, found {describe(node)}"
        report.add(TYPE, node.place, message, fix="write `[numpy==1.26.4]`")
        return []
    text: str | None = node.text
    if "\n" not in node.text:
        path = Path(node.place.file).parent / node.text
        text = read(report, path, node.place)
    joined = CONTINUED.sub(" ", text or "")
    lines = (COMMENT.sub("", line).strip() for line in joined.splitlines())
    return [line for line in lines if line]
