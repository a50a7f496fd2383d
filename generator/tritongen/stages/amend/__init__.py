"""Writes values into a spec's text, where its comments and order stay, or into an overlay."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tritongen.errors import SpecError
from tritongen.formats.yamltext import end_of, line_end
from tritongen.records.finding import SpecPath

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MODELS = "models"
LENGTH = 98
"""Of a comment's line in an overlay."""


@dataclass(frozen=True, kw_only=True)
class Amendment:
    """A value that a spec is to say at ``path``, and what shows that it should."""

    path: SpecPath
    value: Any
    why: str = ""

    def __str__(self) -> str:
        return ".".join(map(str, self.path))


def amend(text: str, amendments: Sequence[Amendment]) -> str:
    """Return the text with the values in it; all else stays as it is, to the letter.

    Raises:
        SpecError: a value stands where others share it (an anchor), or in a form of its own.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix(mark)
    for each in amendments:
        wanted = placed(_loaded(text), each)
        changed = _put(text, each)
        if _loaded(changed) != wanted:
            raise SpecError(
                f"{each} can't be changed here without changing more",
                why="it is written for several places at once, or in a form of its own",
                fix="write the values as an overlay: -o tuned.yaml",
            )
        text = changed
    return mark + text


def _loaded(text: str) -> Any:
    try:
        return yaml.load(text.removeprefix("\ufeff"), Loader=LOADER)  # noqa: S506 - a safe loader
    except yaml.YAMLError:
        return None


# ---- what is meant ----


def placed(data: Any, each: Amendment) -> Any:
    """Return a spec's data with a value at its place; lists of one stand for what they hold."""
    return _placed(data, each.path, each.value, depth=0)


def _placed(data: Any, path: SpecPath, value: Any, depth: int) -> Any:
    if not path:
        return value
    key, rest = path[0], path[1:]
    if isinstance(data, list) and data:
        at = key if isinstance(key, int) else 0
        inner = rest if isinstance(key, int) else path
        changed = _placed(data[at], inner, value, depth + 1)
        return [*data[:at], changed, *data[at + 1 :]]
    known = data if isinstance(data, dict) else _spelled_out(data, depth)
    return {**known, str(key): _placed(known.get(str(key)), rest, value, depth + 1)}


def _spelled_out(data: Any, depth: int) -> dict[str, Any]:
    """Return what a scalar is short for: of a model, at the second level, its source."""
    return {"source": data} if isinstance(data, str) and depth == 2 else {}


# ---- the text ----


def _put(text: str, each: Amendment) -> str:
    node: Any = yaml.compose(text, Loader=LOADER)
    path = each.path
    for depth, part in enumerate(path):
        rest = path[depth:]
        if isinstance(node, yaml.SequenceNode) and node.value and not isinstance(part, int):
            node = node.value[0]
        if isinstance(node, yaml.SequenceNode):
            node = node.value[int(part)]
        elif isinstance(node, yaml.MappingNode):
            found = next((v for k, v in node.value if k.value == str(part)), None)
            if found is None:
                return _inserted(text, node, str(part), _nested(rest[1:], each.value))
            node = found
        else:
            old = text[node.start_mark.index : node.end_mark.index]
            known = f"source: {old}, " if _spelled_out(node.value, depth) else ""
            inner = flow(_nested(rest, each.value))[1:-1]
            return _replaced(text, node, f"{{{known}{inner}}}")
    return _replaced(text, node, flow(each.value))


def _nested(path: SpecPath, value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


def _replaced(text: str, node: Any, new: str) -> str:
    if not isinstance(node, yaml.ScalarNode) and not node.flow_style:
        # On the line of its key, whatever stood below it.
        start = len(text[: node.start_mark.index].rstrip(" \r\n-"))
        return f"{text[:start]} {new}{text[end_of(node) :]}"
    return text[: node.start_mark.index] + new + text[end_of(node) :]


def _inserted(text: str, node: Any, key: str, value: Any) -> str:
    said = f"{key}: {flow(value)}"
    if node.flow_style and not node.value:
        return _replaced(text, node, f"{{{said}}}")
    last = end_of(node.value[-1][1])
    if node.flow_style:
        return f"{text[:last]}, {said}{text[last:]}"
    at = line_end(text, last)
    end = "\r\n" if "\r\n" in text else "\n"
    before = text[:at] if text[:at].endswith("\n") else f"{text[:at]}{end}"
    indent = " " * node.value[0][0].start_mark.column
    return f"{before}{indent}{said}{end}{text[at:]}"


def flow(value: Any) -> str:
    """Return a value on one line, as a spec says it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


# ---- an overlay ----


def overlay(text: str, amendments: Iterable[Amendment], head: str) -> str:
    """Return a file to be laid over a spec: only what changes, with what shows it above it."""
    data = _loaded(text)
    said: dict[str, Any] = {}
    lines = [f"# {head}"]
    for each in amendments:
        lines += _comment(f"{each}: {each.why}" if each.why else "")
        path, value = _whole_list(data, each)
        _nest(said, path, value)
    lines += ["", *_block(said, "")]
    return "\n".join(lines) + "\n"


def _whole_list(data: Any, each: Amendment) -> tuple[SpecPath, Any]:
    """Return what an overlay has to say: of a list all, for it replaces lists."""
    changed = placed(data, each)
    for depth, key in enumerate(each.path):
        if not isinstance(changed, dict):
            break
        changed = changed[key]
        if isinstance(changed, list):
            return each.path[: depth + 1], changed
    return each.path, each.value


def _nest(said: dict[str, Any], path: SpecPath, value: Any) -> None:
    for key in path[:-1]:
        said = said.setdefault(str(key), {})
    said[str(path[-1])] = value


def _block(said: Mapping[str, Any], indent: str) -> Iterable[str]:
    for key, value in said.items():
        if isinstance(value, dict) and any(isinstance(v, dict) for v in value.values()):
            yield f"{indent}{key}:"
            yield from _block(value, f"{indent}  ")
        else:
            yield f"{indent}{key}: {flow(value)}"


def _comment(text: str) -> list[str]:
    from textwrap import wrap

    return [f"# {line}" for line in wrap(text, LENGTH)]
