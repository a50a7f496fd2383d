"""Backends that something is known about, by Triton's name for them.

A new one is a module like ``onnxruntime`` and a line in ``TABLE``: then its files are recognised
by their suffix and their tensors read. The files of every other backend are placed as they are.
"""

from pathlib import Path
from typing import Protocol

from tritongen.parts.backends import onnxruntime, python
from tritongen.records.facts import Inspection


class Backend(Protocol):
    """What the files of a backend are called, and what they say."""

    SUFFIX: str
    DEFAULT_FILE: str

    def inspect(self, file: Path, shown: str) -> Inspection:
        """Return what ``file`` says; ``shown`` is its name in messages.

        Raises ``SpecError`` if the backend could not load it.
        """


TABLE: dict[str, Backend] = {"onnxruntime": onnxruntime, "python": python}

PLATFORMS = {
    "onnxruntime_onnx": "onnxruntime",
    "pytorch_libtorch": "pytorch",
    "tensorflow_graphdef": "tensorflow",
    "tensorflow_savedmodel": "tensorflow",
    "tensorrt_plan": "tensorrt",
    "torch_aoti": "pytorch",
}
"""Triton's older word for a backend and its file format."""

DEFAULT_FILES = {
    "dali": "model.dali",
    "openvino": "model.xml",
    "pytorch": "model.pt",
    "tensorflow": "model.savedmodel",
    "tensorflow_graphdef": "model.graphdef",
    "tensorrt": "model.plan",
    "torch_aoti": "model.pt2",
    "vllm": "model.json",
} | {name: backend.DEFAULT_FILE for name, backend in TABLE.items()}
"""What Triton loads unless ``default_model_filename`` is said, by backend or platform."""
