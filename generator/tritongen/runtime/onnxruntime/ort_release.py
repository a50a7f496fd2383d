"""Refuses models that are newer than the ONNX Runtime of the release which this server stands for.

``release.json`` beside this file names that release's limits. The installed onnxruntime is often
newer: what it would load, the release's container would refuse.
"""

import json
import os
from pathlib import Path
from typing import BinaryIO

RELEASE = Path(__file__).with_name("release.json")

# Field numbers of onnx.ModelProto and onnx.OperatorSetIdProto, wire types of protobuf.
IR_VERSION, OPSET_IMPORT = 1, 8
DOMAIN, VERSION = 1, 2
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class LoadError(Exception):
    """The model cannot be served as it is configured; the text says what stands against it."""


def refuse_newer(model: Path) -> None:
    """Raise LoadError if the ONNX file needs a newer ONNX Runtime than the release has.

    Without ``release.json`` nothing is refused. A file that is not ONNX passes: ONNX Runtime says
    better what is wrong with it.
    """
    if not RELEASE.exists():
        return
    release = json.loads(RELEASE.read_text(encoding="utf-8"))
    ir_version, opset = versions(model)
    runtime = f"ONNX Runtime {release['onnxruntime']}"
    if ir_version > release["onnx_ir"]:
        raise LoadError(
            f"{model}: unsupported model IR version: {ir_version}, "
            f"max supported IR version of {runtime}: {release['onnx_ir']}"
        )
    if opset > release["onnx_opset"]:
        raise LoadError(
            f"{model}: opset {opset} is newer than {runtime} knows: "
            f"its support for domain ai.onnx is till opset {release['onnx_opset']}"
        )


def versions(model: Path) -> tuple[int, int]:
    """IR version and ai.onnx opset of an ONNX file, 0 where it does not say.

    Reads these two fields only and steps over the graph: weights of gigabytes are not touched.
    """
    ir_version = opset = 0
    with model.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        while (key := _varint(stream)) is not None:
            field, wire = key >> 3, key & 7
            if wire == VARINT:
                value = _varint(stream)
                ir_version = value or 0 if field == IR_VERSION else ir_version
            elif wire == BYTES:
                end = (_varint(stream) or 0) + stream.tell()
                if end > size:
                    break
                if field == OPSET_IMPORT:
                    opset = max(opset, _opset(stream, end))
                stream.seek(end)
            elif wire in (FIXED32, FIXED64):
                stream.seek(4 if wire == FIXED32 else 8, os.SEEK_CUR)
            else:
                break
    return ir_version, opset


def _opset(stream: BinaryIO, end: int) -> int:
    """The version in one operator set, 0 unless its domain is ai.onnx."""
    domain, version = b"", 0
    while stream.tell() < end and (key := _varint(stream)) is not None:
        value = _varint(stream) or 0
        if key == DOMAIN << 3 | BYTES:
            domain = stream.read(value)
        elif key == VERSION << 3 | VARINT:
            version = value
    return version if domain in (b"", b"ai.onnx") else 0


def _varint(stream: BinaryIO) -> int | None:
    """The next base-128 number; None at the end of the file or if it has no end."""
    value = 0
    for shift in range(0, 64, 7):
        byte = stream.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    return None
