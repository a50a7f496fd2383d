"""Small ONNX models for tests."""

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
from onnx import TensorProto, helper

Shape = Sequence[int | str | None] | None


def value(name: str, shape: Shape, element: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, element, shape)


def model(
    nodes: Sequence[Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    *,
    initializers: Sequence[Any] = (),
    ir: int = 8,
    opsets: Mapping[str, int] | None = None,
) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "g", inputs, outputs, initializer=list(initializers))
    imports = [helper.make_opsetid(*item) for item in (opsets or {"": 13}).items()]
    return helper.make_model(graph, opset_imports=imports, ir_version=ir)


def identity(shape: Shape = ("N", 4), out: Shape = ("N", 4), **more: Any) -> onnx.ModelProto:
    node = helper.make_node("Identity", ["x"], ["y"])
    return model([node], [value("x", shape)], [value("y", out)], **more)


def weighted(element: int = TensorProto.FLOAT, rows: int = 4, **more: Any) -> onnx.ModelProto:
    """x[N, rows] @ w[rows, 5] -> y[N, 5]; ``w`` is an initializer."""
    weights = helper.make_tensor("w", element, [rows, 5], bytes(rows * 5 * 4), raw=True)
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    ends = [value("x", ["N", rows])], [value("y", ["N", "M"])]
    return model([node], *ends, initializers=[weights], **more)
