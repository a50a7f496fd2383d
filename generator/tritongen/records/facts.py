"""What the model files say, without the files: JSON-able, so that tests need none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class TensorFacts:
    """A tensor as its file has it.

    ``data_type`` is Triton's name (``TYPE_FP32``), ``TYPE_INVALID`` where Triton has none.
    ``shape`` is the full shape, -1 where it varies, ``None`` if even the rank is unknown;
    ``symbols`` are the names of the varying dimensions, as far as they have any.
    ``optional`` is an input that has a default (an ONNX initializer of the same name).
    """

    name: str
    data_type: str
    shape: tuple[int, ...] | None
    symbols: tuple[str | None, ...] = ()
    optional: bool = False


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """A file to be placed: where it can be read now, its SHA-256 (hex) and its size."""

    source: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What one model file says about itself; it depends on nothing but the file's bytes.

    ``data_files`` maps each file that it refers to (relative to its folder, as written in it) to
    the size in bytes that it must have at least. The rest is as in ``ModelFacts``.
    """

    inputs: tuple[TensorFacts, ...] | None = None
    outputs: tuple[TensorFacts, ...] | None = None
    arguments: tuple[str, ...] | None = None
    ir_version: int | None = None
    opsets: Mapping[str, int] = field(default_factory=dict)
    data_files: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """One version of a model.

    ``files`` maps a path in the version folder to the file that stands there. ``settings`` are
    values that the configuration needs for Triton to take the file as what it is (``platform``,
    ``parameters.model_type``). ``inputs`` and ``outputs`` are ``None`` where nothing can read the
    format; ``arguments`` are the names of TorchScript's, which has no types. ``ir_version`` and
    ``opsets`` (domain -> version, ``""`` is the default domain) are ONNX's.
    """

    backend: str
    files: Mapping[str, FileFacts]
    settings: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[TensorFacts, ...] | None = None
    outputs: tuple[TensorFacts, ...] | None = None
    arguments: tuple[str, ...] | None = None
    ir_version: int | None = None
    opsets: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ParameterFacts:
    """A parameter of a plain Python step; ``keyword_only`` is where ``context`` stands."""

    name: str
    required: bool
    keyword_only: bool = False


@dataclass(frozen=True, kw_only=True)
class StepFacts:
    """A Python file, read by ``ast`` and never run.

    ``function`` is ``None`` for a raw ``TritonPythonModel``. ``kind`` tells a plain function from
    a generator function (decoupled) and an ``async def`` (may call models). ``takes_any`` means
    ``**inputs``. ``modules`` are the local modules that it imports: path -> text.
    """

    file: str
    text: str
    function: str | None
    kind: Literal["function", "generator", "async", "async generator", "class"] = "function"
    parameters: tuple[ParameterFacts, ...] = ()
    takes_any: bool = False
    modules: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that was read: by model and version, by step, and extra ``files:`` by model and path."""

    models: Mapping[str, Mapping[int, ModelFacts]] = field(default_factory=dict)
    steps: Mapping[str, StepFacts] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, FileFacts]] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
