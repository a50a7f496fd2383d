"""OpenVINO IR: a network as XML, which names its tensors, with its weights in a file beside it."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from tritongen.errors import SpecError
from tritongen.parts.backends import onnxruntime, tensorflow
from tritongen.parts.backends._backend import TEXT, Backend, Format, Values, one_of
from tritongen.parts.backends._bytes import REMEDIES, describe
from tritongen.parts.backends._unread import unread
from tritongen.records.facts import Inspection, TensorFacts

EXPORT = "give the .xml file of the model, with its .bin beside it"
CHUNK_BYTES = 1 << 20

TYPES = {
    "FP16": "TYPE_FP16",
    "BF16": "TYPE_BF16",
    "FP32": "TYPE_FP32",
    "FP64": "TYPE_FP64",
    "BOOL": "TYPE_BOOL",
    "STRING": "TYPE_STRING",
} | {
    f"{short}{bits}": f"TYPE_{long}{bits}"
    for short, long in (("I", "INT"), ("U", "UINT"))
    for bits in (8, 16, 32, 64)
}
"""OpenVINO's precisions that Triton has."""


class _NoDoctype(TreeBuilder):
    """Refuses a DOCTYPE before anything in it is read: entities could grow without end."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ParseError(f"a DOCTYPE ({name}) has no place in a model")


def inspect(file: Path, shown: str) -> Inspection:
    """Return the tensors of an IR; those without a name, as older versions wrote, are unknown."""
    net = _parse(file, shown)
    if net.tag != "net":
        raise _not_ir(shown, f"is XML, but no OpenVINO network: it begins with <{net.tag}>")
    layers = {layer.get("id"): layer for layer in net.iterfind("./layers/layer")}
    ports = {
        (number, port.get("id")): port
        for number, layer in layers.items()
        for port in layer.iterfind("./output/port")
    }
    written = {
        edge.get("to-layer"): ports.get((edge.get("from-layer"), edge.get("from-port")))
        for edge in net.iterfind("./edges/edge")
    }
    inputs = [
        layer.find("./output/port") for layer in layers.values() if layer.get("type") == "Parameter"
    ]
    outputs = [
        written.get(number) for number, layer in layers.items() if layer.get("type") == "Result"
    ]
    found = [*_tensors(inputs)], [*_tensors(outputs)]
    if len(found[0]) < len(inputs) or len(found[1]) < len(outputs):
        return Inspection()
    return Inspection(inputs=tuple(found[0]), outputs=tuple(found[1]))


def _parse(file: Path, shown: str) -> Element:
    parser = XMLParser(target=_NoDoctype())  # noqa: S314 - without a DOCTYPE there are no entities
    try:
        with file.open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                parser.feed(chunk)
        root: Element = parser.close()
    except ParseError as error:
        looks = describe(file)
        if looks not in {"", "XML"}:
            raise _not_ir(shown, f"is {looks}", REMEDIES.get(looks, EXPORT)) from error
        raise _not_ir(shown, f"is not XML that can be read: {error}") from error
    return root


def _not_ir(shown: str, what: str, fix: str = EXPORT) -> SpecError:
    return SpecError.of("TG056", f"{shown} {what}", why="OpenVINO could not load it", fix=fix)


def _tensors(ports: list[Element | None]) -> Iterator[TensorFacts]:
    for port in ports:
        if port is not None and port.get("names"):
            yield TensorFacts(
                name=min(_names(port.get("names", ""))),
                data_type=TYPES.get(port.get("precision", ""), "TYPE_INVALID"),
                shape=tuple(int(dim.text or "") for dim in port.iterfind("dim")),
            )


def _names(text: str) -> list[str]:
    """Split a port's names; the backend goes by the first in order. A comma in one is escaped."""
    parts = text.replace("\\,", "\0").split(",")
    return [part.replace("\0", ",") for part in parts]


COUNT = Values("a whole number", r"\d+|")

BACKEND = Backend(
    name="openvino",
    formats=(
        Format(file="model.xml", suffixes=(".xml",), beside=(".bin",), inspect=inspect),
        Format(file="model.onnx", also=(".onnx",), inspect=onnxruntime.inspect),
        Format(
            file="model.saved_model",
            also=(".saved_model", ".savedmodel"),
            inner="saved_model.pb",
            inspect=tensorflow.inspect,
        ),
        Format(file="model.pdmodel", also=(".pdmodel",), beside=(".pdiparams",), inspect=unread),
        Format(file="model.tflite", also=(".tflite",), inspect=unread),
    ),
    kinds=frozenset({"KIND_CPU"}),
    parameters={
        "INFERENCE_NUM_THREADS": COUNT,
        "COMPILATION_NUM_THREADS": COUNT,
        "HINT_BF16": Values("YES", "yes|"),
        "NUM_STREAMS": Values("AUTO, NUMA or a whole number", r"auto|numa|\d+|"),
        "PERFORMANCE_HINT": one_of("LATENCY", "THROUGHPUT", "CUMULATIVE_THROUGHPUT"),
        "CPU_EXTENSION_PATH": TEXT,
        "SKIP_OV_DYNAMIC_BATCHSIZE": TEXT,
        "ENABLE_BATCH_PADDING": TEXT,
        "RESHAPE_IO_LAYERS": TEXT,
        "TARGET_DEVICE": TEXT,
    },
)
