"""Small ONNX graphs, each for one thing that a backend can do wrong."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper

OPSET, IR = 19, 9


def tensor(name: str, dims: list[Any] | None, data_type: int = T.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, data_type, dims)


def model(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    **initializers: Any,
) -> onnx.ModelProto:
    constants = [onnx.numpy_helper.from_array(np.array(v), k) for k, v in initializers.items()]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, constants)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, ir_version=IR, opset_imports=opsets)


def node(operator: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    domain = "ai.onnx.ml" if operator == "LabelEncoder" else ""
    return helper.make_node(operator, inputs.split(), outputs.split(), domain=domain, **attributes)


def identity(dims: list[Any], data_type: int = T.FLOAT) -> onnx.ModelProto:
    return model(
        [node("Identity", "x", "y")], [tensor("x", dims, data_type)], [tensor("y", dims, data_type)]
    )


def lookup() -> onnx.ModelProto:
    """``y`` is the element of a table of 4 at index ``x``; ``z`` is ``x``: any index will do."""
    return model(
        [node("Gather", "table x", "y"), node("Identity", "x", "z")],
        [tensor("x", ["N", 1], T.INT64)],
        [tensor("y", ["N", 1]), tensor("z", ["N", 1], T.INT64)],
        table=np.array([10, 11, 12, 13], np.float32),
    )


def accumulator(rows: Any = "N", data_type: int = T.FLOAT) -> onnx.ModelProto:
    """``y`` and the next state are the state plus ``x``."""
    dims = [rows, 1]
    return model(
        [node("Add", "x state", "next"), node("Identity", "next", "y")],
        [tensor("x", dims, data_type), tensor("state", dims, data_type)],
        [tensor("y", dims, data_type), tensor("next", dims, data_type)],
    )


def history() -> onnx.ModelProto:
    """``y`` and the next state are the state with ``x`` put behind it: it grows."""
    return model(
        [node("Concat", "state x", "next", axis=1), node("Identity", "next", "y")],
        [tensor("x", ["N", 1]), tensor("state", ["N", "S"])],
        [tensor("y", ["N", "R"]), tensor("next", ["N", "R"])],
    )


def ragged_sums() -> onnx.ModelProto:
    """``y`` is the sum of each request's part of ``x``, whose ends are in ``ends``."""
    nodes = [
        node("CumSum", "x zero", "sums"),
        node("Concat", "none sums", "padded", axis=0),
        node("Gather", "padded ends", "at"),
        node("Slice", "at one far", "upper"),
        node("Slice", "at first last", "lower"),
        node("Sub", "upper lower", "flat"),
        node("Unsqueeze", "flat one", "y"),
    ]
    return model(
        nodes,
        [tensor("x", ["N"]), tensor("ends", ["E"], T.INT32)],
        [tensor("y", ["M", 1])],
        zero=np.int64(0),
        none=np.zeros(1, np.float32),
        one=np.array([1], np.int64),
        far=np.array([2**31], np.int64),
        first=np.array([0], np.int64),
        last=np.array([-1], np.int64),
    )


def echo_batch_input(dims: list[Any], data_type: int = T.INT32) -> onnx.ModelProto:
    """``y`` is the batch input ``b`` as it came, one row for each first dim."""
    nodes = [node("Identity", "b", "y")]
    if len(dims) == 1:
        nodes = [node("Unsqueeze", "b one", "y")]
    # `x` must be used, or ONNX Runtime would drop it from the inputs.
    return model(
        [*nodes, node("Identity", "x", "unused")],
        [tensor("x", ["K"]), tensor("b", dims, data_type)],
        [tensor("y", ["N", 1], data_type), tensor("unused", ["K"])],
        one=np.array([1], np.int64),
    )


def encoder() -> onnx.ModelProto:
    """``y`` is 1 for "ä", 2 for "b", -1 for any other string."""
    return model(
        [
            node(
                "LabelEncoder",
                "x",
                "y",
                keys_strings=["ä", "b"],
                values_int64s=[1, 2],
                default_int64=-1,
            )
        ],
        [tensor("x", ["N", 1], T.STRING)],
        [tensor("y", ["N", 1], T.INT64)],
    )
