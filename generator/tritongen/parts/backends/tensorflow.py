"""TensorFlow: SavedModel folders, whose signature names the tensors, and frozen graphs."""

import mmap
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tritongen.errors import SpecError
from tritongen.parts.backends._backend import TEXT, Backend, Format
from tritongen.parts.backends._bytes import REMEDIES, describe
from tritongen.parts.backends._unread import unread
from tritongen.records.facts import Inspection, TensorFacts

SIGNATURE, TAG = "serving_default", "serve"
"""What Triton serves unless ``TF_SIGNATURE_DEF`` and ``TF_GRAPH_TAG`` say otherwise."""

TYPES = {
    1: "TYPE_FP32",
    2: "TYPE_FP64",
    3: "TYPE_INT32",
    4: "TYPE_UINT8",
    5: "TYPE_INT16",
    6: "TYPE_INT8",
    7: "TYPE_STRING",
    9: "TYPE_INT64",
    10: "TYPE_BOOL",
    14: "TYPE_BF16",
    17: "TYPE_UINT16",
    19: "TYPE_FP16",
    22: "TYPE_UINT32",
    23: "TYPE_UINT64",
}
"""TensorFlow's element types that Triton has, by number."""

FIELDS = {
    "SavedModel": "meta_graphs=2*MetaGraph",
    "MetaGraph": "meta_info_def=1:MetaInfo signature_def=5*SignatureEntry",
    "MetaInfo": "tags=4*string",
    "SignatureEntry": "key=1:string value=2:Signature",
    "Signature": "inputs=1*TensorEntry outputs=2*TensorEntry",
    "TensorEntry": "key=1:string value=2:TensorInfo",
    "TensorInfo": "dtype=2:int64 tensor_shape=3:Shape",
    "Shape": "dim=2*Dim unknown_rank=3:int64",
    "Dim": "size=1:int64",
}
"""The few fields of TensorFlow's messages that are read; ``*`` is repeated. Others are skipped."""


def inspect(file: Path, shown: str) -> Inspection:
    """Return the tensors of a SavedModel's serving signature; ``file`` is ``saved_model.pb``."""
    signatures = _signatures(file, shown)
    if SIGNATURE not in signatures:
        return Inspection()
    signature = signatures[SIGNATURE]
    return Inspection(
        inputs=tuple(map(_tensor, sorted(signature.inputs, key=lambda entry: str(entry.key)))),
        outputs=tuple(map(_tensor, sorted(signature.outputs, key=lambda entry: str(entry.key)))),
    )


def _signatures(file: Path, shown: str) -> Mapping[str, Any]:
    from google.protobuf.message import DecodeError

    looks = describe(file)
    if looks:
        raise _not_saved_model(shown, f"is {looks}", REMEDIES.get(looks, ""))
    with file.open("rb") as stream:
        content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        model = _message("SavedModel").FromString(memoryview(content))
    except DecodeError as error:
        raise _not_saved_model(shown, f"is not a SavedModel: {error}") from error
    if not model.meta_graphs:
        raise _not_saved_model(shown, "is not a SavedModel: it holds no graph")
    graphs = [graph for graph in model.meta_graphs if TAG in graph.meta_info_def.tags]
    graph = (graphs or model.meta_graphs)[0]
    return {entry.key: entry.value for entry in graph.signature_def}


def _not_saved_model(shown: str, what: str, fix: str = "") -> SpecError:
    fix = fix or "give the folder that tf.saved_model.save wrote"
    return SpecError.of("TG056", f"{shown} {what}", why="TensorFlow could not load it", fix=fix)


def _tensor(entry: Any) -> TensorFacts:
    shape = entry.value.tensor_shape
    return TensorFacts(
        name=entry.key,
        data_type=TYPES.get(entry.value.dtype, "TYPE_INVALID"),
        shape=None if shape.unknown_rank else tuple(max(dim.size, -1) for dim in shape.dim),
    )


@cache
def _message(name: str) -> Any:
    """Make the message classes; TensorFlow itself is half a gigabyte."""
    from google.protobuf.descriptor_pb2 import FileDescriptorProto
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message_factory import GetMessageClass

    file = FileDescriptorProto(name="saved_model.proto", package="tf", syntax="proto3")
    for message, fields in FIELDS.items():
        described = file.message_type.add(name=message)
        for text in fields.split():
            key, _, rest = text.partition("=")
            field = described.field.add(name=key)
            many = "*" in rest
            number, _, kind = rest.partition("*" if many else ":")
            field.number = int(number)
            field.label = field.LABEL_REPEATED if many else field.LABEL_OPTIONAL
            if kind in FIELDS:
                field.type, field.type_name = field.TYPE_MESSAGE, f".tf.{kind}"
            else:
                field.type = field.TYPE_STRING if kind == "string" else field.TYPE_INT64
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"tf.{name}"))


def _graph(file: Path, shown: str) -> Inspection:
    if file.name == "saved_model.pb":
        fix = "give its folder: source: FOLDER"
        raise SpecError.of("TG056", f"{shown} is a part of a SavedModel, not a graph", fix=fix)
    return unread(file, shown)


BACKEND = Backend(
    name="tensorflow",
    formats=(
        Format(
            file="model.savedmodel",
            suffixes=(".savedmodel",),
            inner="saved_model.pb",
            settings={"platform": "tensorflow_savedmodel"},
            inspect=inspect,
        ),
        Format(
            file="model.graphdef",
            suffixes=(".graphdef", ".pb"),
            settings={"platform": "tensorflow_graphdef"},
            inspect=_graph,
        ),
    ),
    parameters=dict.fromkeys(
        (
            "TF_NUM_INTRA_THREADS",
            "TF_NUM_INTER_THREADS",
            "TF_USE_PER_SESSION_THREADS",
            "TF_GRAPH_TAG",
            "TF_SIGNATURE_DEF",
            "TF_INIT_OPS_FILE",
            "MAX_SESSION_SHARE_COUNT",
        ),
        TEXT,
    ),
    accelerators={
        "gpu": {"tensorrt": None, "gpu_io": None, "auto_mixed_precision": None},
        "cpu": {},
    },
)
