"""Where the nodes of PyYAML end in the text that they were read from."""

from typing import Any

import yaml


def end_of(node: Any) -> int:
    """Return where a node's own text ends; a parser's mark stands behind blanks and comments."""
    while not isinstance(node, yaml.ScalarNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end = int(node.end_mark.index)
    return end - 1 if getattr(node, "style", None) in ("|", ">") else end


def line_end(text: str, index: int) -> int:
    """Return the start of the next line: a comment behind a value goes with it."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1
