"""Reads ``input:`` and ``output:``: short text, Triton's message, or a list of both."""

import re
from collections.abc import Sequence
from typing import Any

from tritongen.records.finding import Place
from tritongen.records.messages import ModelInput, ModelOutput
from tritongen.records.scalars import quote
from tritongen.stages.load.codes import TENSOR
from tritongen.stages.load.enums import Refused, enum_value
from tritongen.stages.load.fields import fill
from tritongen.stages.load.nodes import Entries, Items, Node, Text, describe
from tritongen.stages.load.report import Report, nearest

SHORT = re.compile(r"\s*(?P<type>\w+)\s*\[(?P<dims>[^\[\]]*)\](?P<words>.*)", re.DOTALL)
WORD = re.compile(r"\s*(?:reshape\s*\[(?P<shape>[^\[\]]*)\]|(?P<word>\S+))\s*")
DIM = re.compile(r"\s*[+-]?[0-9]{1,18}\s*")
TYPES: Any = ModelInput.DESCRIPTOR.fields_by_name["data_type"].enum_type
FORMATS: Any = ModelInput.DESCRIPTOR.fields_by_name["format"].enum_type
WORDS = ("optional", "ragged", "nhwc", "nchw", "reshape[dims]")
EXAMPLE = "write it like `FP32[3, 224, 224]`, -1 for a dimension that varies"

Tensor = ModelInput | ModelOutput


def read_tensors(report: Report, node: Node, target: Any, places: dict[str | int, Place]) -> None:
    """Append the tensors of a node to ``config.input`` or ``config.output``.

    ``places`` takes where each stands, by name and by position. A bare name gives a tensor
    that has a name only; the rest then comes from the model file.
    """
    if isinstance(node, Entries):
        for name, value in node.values.items():
            places[len(target)] = places[name] = node.keys[name]
            _read(report, value, name, target.add())
        return
    for item in node.items if isinstance(node, Items) else [node]:
        places[len(target)] = item.place
        tensor = target.add()
        _read_item(report, item, tensor)
        places.setdefault(tensor.name, item.place)


def _read_item(report: Report, item: Node, tensor: Tensor) -> None:
    if isinstance(item, Text):
        _read_bare_name(report, item, tensor)
    elif isinstance(item, Items):
        message = "a tensor is a name, text or a mapping, found a list"
        report.add(TENSOR, item.place, message, fix=EXAMPLE)
    elif _is_short(item, tensor):
        ((name, value),) = item.values.items()
        _read(report, value, name, tensor)
    elif "name" in item.values:
        fill(report, tensor, item, "a tensor")
    else:
        message = "this tensor has no `name`"
        report.add(TENSOR, item.place, message, fix="write `{name: TYPE[dims]}` or add `name:`")


def _is_short(item: Entries, tensor: Tensor) -> bool:
    """Tell ``{content: BYTES[1]}`` from Triton's message; a tensor may be called `name`."""
    if len(item.values) != 1:
        return False
    ((key, value),) = item.values.items()
    if isinstance(value, Text) and key in tensor.DESCRIPTOR.fields_by_name:
        return SHORT.fullmatch(value.text) is not None
    return True


def _read_bare_name(report: Report, node: Text, tensor: Tensor) -> None:
    match = SHORT.fullmatch(node.text)
    if (match and _data_type(match["type"])) or not node.text:
        message = f"{describe(node)} is a tensor without a name"
        report.add(
            TENSOR,
            node.place,
            message,
            fix=f"write {quote('name: ' + (node.text or 'TYPE[dims]'))}",
        )
    tensor.name = node.text


def _read(report: Report, node: Node, name: str, tensor: Tensor) -> None:
    tensor.name = name
    if isinstance(node, Entries):
        said = node.values.get("name")
        if said is not None and not (isinstance(said, Text) and said.text == name):
            message = f"the tensor {quote(name)} is called {describe(said)} inside"
            report.add(TENSOR, said.place, message, fix="remove the inner `name`")
        fill(report, tensor, node, f"the tensor {quote(name)}")
        tensor.name = name
    elif isinstance(node, Text):
        _read_short(report, node, name, tensor)
    else:
        message = f"the tensor {quote(name)} wants `TYPE[dims]`, found a list"
        report.add(TENSOR, node.place, message, fix=EXAMPLE)


def _read_short(report: Report, node: Text, name: str, tensor: Tensor) -> None:
    match = SHORT.fullmatch(node.text)
    if match is None:
        message = f"the tensor {quote(name)} wants `TYPE[dims]`, found {describe(node)}"
        report.add(TENSOR, node.place, message, fix=EXAMPLE)
        return
    try:
        tensor.data_type = enum_value(TYPES, match["type"])  # type: ignore[assignment]
    except Refused as refused:
        message = f"the tensor {quote(name)} wants {refused.expected}, found {quote(match['type'])}"
        report.add(refused.code, node.place, message, fix=refused.fix)
    tensor.dims.extend(_dims(report, node, name, match["dims"]))
    if not match["dims"].strip():
        message = f"the tensor {quote(name)} has no dimension, and Triton has no scalars"
        report.add(TENSOR, node.place, message, fix=f"write `{match['type']}[1] reshape[]`")
    for word in WORD.finditer(match["words"]):
        _apply(report, node, name, tensor, word)


def _dims(report: Report, node: Text, name: str, text: str) -> Sequence[int]:
    parts = text.split(",") if text.strip() else []
    wrong = [part for part in parts if not DIM.fullmatch(part)]
    if wrong:
        message = f"the tensor {quote(name)} has a dimension {quote(wrong[0].strip())}"
        report.add(TENSOR, node.place, message, fix="write whole numbers, -1 where it varies")
        return []
    return [int(part) for part in parts]


def _apply(report: Report, node: Text, name: str, tensor: Tensor, match: re.Match[str]) -> None:
    """Apply one of the words after ``TYPE[dims]``."""
    word = match["word"]
    if word is None:
        tensor.reshape.SetInParent()
        tensor.reshape.shape.extend(_dims(report, node, name, match["shape"]))
    elif word not in WORDS[:4]:
        message = f"the tensor {quote(name)} has an unknown word {quote(word)}"
        report.add(TENSOR, node.place, message, fix=nearest(word, WORDS))
    elif not isinstance(tensor, ModelInput):
        message = f"the output {quote(name)} is said to be {quote(word)}, which only inputs can be"
        report.add(TENSOR, node.place, message, fix=f"remove `{word}`")
    elif word == "optional":
        tensor.optional = True
    elif word == "ragged":
        tensor.allow_ragged_batch = True
    else:
        tensor.format = enum_value(FORMATS, word)  # type: ignore[assignment]


def _data_type(text: str) -> bool:
    try:
        return bool(enum_value(TYPES, text))
    except Refused:
        return False
