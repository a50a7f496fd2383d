"""ONNX models: what their file says about tensors, versions and the files that hold the weights."""

import mmap
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tritongen.errors import SpecError
from tritongen.parts.backends._backend import (
    FLAG,
    NUMBER,
    TEXT,
    Backend,
    Format,
    Values,
    one_of,
)
from tritongen.parts.backends._bytes import REMEDIES, describe
from tritongen.parts.backends._skeleton import DamagedError, skeleton
from tritongen.records.facts import Inspection, TensorFacts

LARGEST_BYTES = 2**31 - 1
"""No protobuf message can be longer; bigger models keep their weights in files of their own."""

EXPORT = "give the .onnx file that was exported from the model"

TYPES = {
    "FLOAT": "TYPE_FP32",
    "DOUBLE": "TYPE_FP64",
    "FLOAT16": "TYPE_FP16",
    "BFLOAT16": "TYPE_BF16",
    "STRING": "TYPE_STRING",
} | {
    name: f"TYPE_{name}"
    for name in ("BOOL", *(f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)))
}
"""ONNX's element types that Triton has; it has none for complex numbers, 8-bit floats, 4-bit."""


def inspect(file: Path, shown: str) -> Inspection:
    """Return tensors, IR, opsets and data files, without reading the weights."""
    model = _read(file, shown)
    graph = model.graph
    _require_tensors([*graph.input, *graph.output], shown)
    initializers = {tensor.name for tensor in graph.initializer}
    initializers |= {tensor.values.name for tensor in graph.sparse_initializer}
    # Up to IR 3 every initializer had to be listed as an input too; since then one that is
    # listed is an input with a default.
    hidden = initializers if model.ir_version < 4 else set()
    inferred = _inferred(model)
    return Inspection(
        inputs=tuple(
            _tensor(value, optional=value.name in initializers)
            for value in graph.input
            if value.name not in hidden
        ),
        outputs=tuple(_merged(_tensor(value), inferred[value.name]) for value in graph.output),
        ir_version=model.ir_version,
        opsets={_domain(opset.domain): opset.version for opset in model.opset_import},
        data_files=_data_files(model),
    )


def _read(file: Path, shown: str) -> Any:
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    looks = describe(file)
    if looks:
        raise _not_onnx(shown, f"is {looks}", REMEDIES.get(looks, EXPORT))
    if file.stat().st_size > LARGEST_BYTES:
        raise SpecError.of(
            "TG057",
            f"{shown} is larger than 2 GiB, which no ONNX file can be",
            fix="export it with its weights in a file of their own (external data)",
        )
    with file.open("rb") as stream:
        content = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    begins = content[0] == 0x08  # ir_version, the first field, which every exporter writes first
    try:
        model = ModelProto.FromString(skeleton(content))
    except (DamagedError, DecodeError) as error:
        if not begins:
            raise _not_onnx(shown, "is not an ONNX model") from error
        raise SpecError.of(
            "TG057",
            f"{shown} is a damaged or truncated ONNX model: {error}",
            fix="copy or export it again",
        ) from error
    if not model.ir_version or not model.HasField("graph"):
        raise _not_onnx(shown, "is not an ONNX model: it has no IR version or no graph")
    return model


def _not_onnx(shown: str, what: str, fix: str = EXPORT) -> SpecError:
    return SpecError.of("TG056", f"{shown} {what}", why="ONNX Runtime could not load it", fix=fix)


def _require_tensors(values: Iterable[Any], shown: str) -> None:
    others = [
        f"{value.name} ({kind.removesuffix('_type').replace('_', ' ')})"
        for value in values
        if (kind := value.type.WhichOneof("value")) not in {None, "tensor_type"}
    ]
    if others:
        raise SpecError.of(
            "TG059",
            f"{shown} has inputs or outputs that are no tensors: {', '.join(others)}",
            why="Triton carries nothing but tensors",
            fix="export the model with tensors only (for scikit-learn: options={'zipmap': False})",
        )


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name


def _tensor(value: Any, *, optional: bool = False) -> TensorFacts:
    from onnx import TensorProto

    tensor = value.type.tensor_type
    element = TensorProto.DataType.Name(tensor.elem_type) if tensor.elem_type in _known() else ""
    dims = tuple(tensor.shape.dim) if tensor.HasField("shape") else None
    return TensorFacts(
        name=value.name,
        data_type=TYPES.get(element, "TYPE_INVALID"),
        shape=None if dims is None else tuple(_size(dim) for dim in dims),
        symbols=tuple(dim.dim_param or None for dim in dims or ()),
        optional=optional,
    )


def _known() -> Iterable[int]:
    from onnx import TensorProto

    return list(TensorProto.DataType.values())


def _size(dim: Any) -> int:
    """ONNX Runtime takes a negative dimension as one that varies."""
    return max(dim.dim_value, -1) if dim.HasField("dim_value") else -1


def _inferred(model: Any) -> dict[str, TensorFacts]:
    """Return the outputs as the operators make them; ONNX Runtime computes this at load, too."""
    from onnx import ModelProto
    from onnx.shape_inference import InferenceError, infer_shapes

    blank = ModelProto()
    blank.CopyFrom(model)
    for output in blank.graph.output:
        output.ClearField("type")
    # Some exporters write -1 for a size that varies; Slice's inference ends the process over it.
    for value in (*blank.graph.input, *blank.graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_value < 0:
                dim.ClearField("value")
    # an opset or an operator that it does not know
    with suppress(InferenceError, RuntimeError, ValueError):
        blank = infer_shapes(blank)
    return {output.name: _tensor(output) for output in blank.graph.output}


def _merged(declared: TensorFacts, inferred: TensorFacts) -> TensorFacts:
    """Return what ONNX Runtime makes of the two: the more fixed size, -1 where they disagree.

    Triton compares an output's dims with these, not with the file's.
    """
    data_type, shape = declared.data_type, declared.shape
    if data_type == "TYPE_INVALID":
        data_type = inferred.data_type
    symbols = declared.symbols
    if shape is None:
        shape, symbols = inferred.shape, inferred.symbols
    elif inferred.shape is not None:
        shape = _merged_shape(shape, inferred.shape)
    return TensorFacts(
        name=declared.name,
        data_type=data_type,
        shape=shape,
        symbols=() if shape is None else _only_varying(shape, symbols),
    )


def _merged_shape(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...] | None:
    if len(one) != len(other):
        return None
    pairs = list(zip(one, other, strict=True))
    if any(-1 not in pair and pair[0] != pair[1] for pair in pairs):
        return tuple(mine if mine == yours else -1 for mine, yours in pairs)
    return tuple(max(pair) for pair in pairs)


def _only_varying(
    shape: tuple[int, ...], symbols: tuple[str | None, ...]
) -> tuple[str | None, ...]:
    return tuple(
        symbol if size == -1 else None for size, symbol in zip(shape, symbols, strict=True)
    )


def _data_files(model: Any) -> dict[str, int]:
    """Return the files that hold weights, and how long each must be at least."""
    sizes: dict[str, int] = {}
    for tensor in _tensors(model):
        if tensor.data_location == tensor.EXTERNAL:
            said = {entry.key: entry.value for entry in tensor.external_data}
            end = _number(said.get("offset")) + _number(said.get("length"))
            location = said.get("location", "")
            sizes[location] = max(sizes.get(location, 0), end)
    return dict(sorted(sizes.items()))


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def _tensors(model: Any) -> Iterator[Any]:
    yield from _of_graph(model.graph)
    for function in model.functions:
        yield from _of_nodes(function.node)


def _of_graph(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _of_nodes(graph.node)


def _of_nodes(nodes: Iterable[Any]) -> Iterator[Any]:
    for node in nodes:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for graph in (attribute.g, *attribute.graphs):
                yield from _of_graph(graph)


TENSORRT = {
    "precision_mode": one_of("FP32", "FP16", "BF16", "INT8"),
    "max_workspace_size_bytes": NUMBER,
    "int8_calibration_table_name": TEXT,
    "int8_use_native_calibration_table": FLAG,
    "trt_dla_core": NUMBER,
    "trt_max_partition_iterations": NUMBER,
    "trt_min_subgraph_size": NUMBER,
    "trt_builder_optimization_level": NUMBER,
    "trt_auxiliary_streams": NUMBER,
} | {
    f"trt_{name}": values
    for values, names in (
        (
            FLAG,
            "dla_enable engine_cache_enable dump_subgraphs force_sequential_engine_build "
            "context_memory_sharing_enable layer_norm_fp32_fallback timing_cache_enable "
            "force_timing_cache detailed_build_log build_heuristics_enable sparsity_enable "
            "cuda_graph_enable dump_ep_context_model",
        ),
        (
            TEXT,
            "engine_cache_path engine_cache_prefix timing_cache_path tactic_sources "
            "extra_plugin_lib_paths profile_min_shapes profile_max_shapes profile_opt_shapes "
            "ep_context_file_path ep_context_embed_mode",
        ),
    )
    for name in names.split()
}
"""Parameters of the TensorRT execution accelerator; any other is refused."""

FORMAT = Format(
    file="model.onnx",
    suffixes=(".onnx",),
    inner="model.onnx",
    settings={"platform": "onnxruntime_onnx"},
    inspect=inspect,
)

BACKEND = Backend(
    name="onnxruntime",
    formats=(FORMAT,),
    aliases=frozenset({"onnx"}),
    parameters={
        "intra_op_thread_count": NUMBER,
        "inter_op_thread_count": NUMBER,
        "execution_mode": Values("0 (sequential) or 1 (parallel)", r"\s*\+?0*[01](\D.*)?"),
        "enable_mem_arena": FLAG,
        "enable_mem_pattern": FLAG,
        "share_session_between_instances": FLAG,
        "memory.enable_memory_arena_shrinkage": TEXT,
        "session.use_device_allocator_for_initializers": TEXT,
        "cudnn_conv_algo_search": TEXT,
        "gpu_mem_limit": TEXT,
        "arena_extend_strategy": TEXT,
        "do_copy_in_default_stream": TEXT,
    },
    accelerators={"gpu": {"tensorrt": TENSORRT, "cuda": None}, "cpu": {"openvino": None}},
)
