"""Opens a model file as an ONNX Runtime session with the options of its configuration."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnxruntime as ort
import triton_python_backend_utils as pb_utils
from ort_release import LoadError, refuse_newer

# ``optimization.graph.level``; every other number is all, as in the C++ backend.
GRAPH_LEVELS = {
    -1: ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    1: ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    2: ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
}
BOOLEANS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
ACCELERATORS = {"CPU": {"openvino"}, "GPU": {"tensorrt", "cuda"}}
DEVICE_ALLOCATOR = "session.use_device_allocator_for_initializers"
ARENA_SHRINKAGE = "memory.enable_memory_arena_shrinkage"
ERRORS_ONLY = 3

TRITON_TYPES = {
    "tensor(bool)": "TYPE_BOOL",
    "tensor(uint8)": "TYPE_UINT8",
    "tensor(uint16)": "TYPE_UINT16",
    "tensor(uint32)": "TYPE_UINT32",
    "tensor(uint64)": "TYPE_UINT64",
    "tensor(int8)": "TYPE_INT8",
    "tensor(int16)": "TYPE_INT16",
    "tensor(int32)": "TYPE_INT32",
    "tensor(int64)": "TYPE_INT64",
    "tensor(float16)": "TYPE_FP16",
    "tensor(float)": "TYPE_FP32",
    "tensor(double)": "TYPE_FP64",
    "tensor(string)": "TYPE_STRING",
}


@dataclass(frozen=True)
class Tensor:
    """An input or output of the ONNX graph; dynamic dims are -1, batch dim included."""

    name: str
    onnx_type: str
    dims: tuple[int, ...]

    @property
    def data_type(self) -> str:
        """Triton's name of the element type, TYPE_INVALID where Triton's ONNX Runtime has none."""
        return TRITON_TYPES.get(self.onnx_type, "TYPE_INVALID")


@dataclass(frozen=True)
class Signature:
    """What the ONNX graph takes and gives, in its own order."""

    inputs: Mapping[str, Tensor]
    initializers: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


def signature(session: ort.InferenceSession) -> Signature:
    """Inputs, overridable initializers and outputs of a session."""
    return Signature(
        inputs=_tensors(session.get_inputs()),
        initializers=_tensors(session.get_overridable_initializers()),
        outputs=_tensors(session.get_outputs()),
    )


def _tensors(nodes: Any) -> dict[str, Tensor]:
    for node in nodes:
        if not node.type.startswith("tensor("):
            raise LoadError(f"'{node.name}' is a {node.type}: Triton can carry tensors only")
    return {node.name: Tensor(node.name, node.type, _dims(node.shape)) for node in nodes}


def _dims(shape: list[Any]) -> tuple[int, ...]:
    return tuple(dim if isinstance(dim, int) else -1 for dim in shape)


def open_session(
    model: Path, config: Mapping[str, Any], *, kind: str = "CPU", device_id: int = 0
) -> ort.InferenceSession:
    """Open ``model``, an ONNX file or a directory that holds ``model.onnx``.

    Raises LoadError if the file is missing, broken or too new for the release, or if a parameter
    or an execution accelerator of the configuration is refused.
    """
    options = session_options(config)
    check_accelerators(config, kind)
    if model.is_dir():
        model = model / "model.onnx"
    if not model.is_file():
        raise LoadError(f"failed to stat file {model}")
    refuse_newer(model)
    try:
        return ort.InferenceSession(
            str(model), options, providers=_providers(kind, device_id, model)
        )
    except Exception as error:
        # onnxruntime has one class per status code and no common one below Exception.
        raise LoadError(f"onnx runtime error: {error}") from None


def session_options(config: Mapping[str, Any]) -> ort.SessionOptions:
    """Session options from ``parameters``, ``optimization`` and ``model_operations``."""
    values = parameters(config)
    options = ort.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    level = config.get("optimization", {}).get("graph", {}).get("level", 0)
    options.graph_optimization_level = GRAPH_LEVELS.get(
        int(level), ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    )
    mode = _integer(values.get("execution_mode", "0"))
    if mode not in (0, 1):
        raise LoadError(f"expected values for execution_mode are 0 or 1 but got {mode}")
    options.execution_mode = (
        ort.ExecutionMode.ORT_PARALLEL if mode else ort.ExecutionMode.ORT_SEQUENTIAL
    )
    options.intra_op_num_threads = max(0, _integer(values.get("intra_op_thread_count", "0")))
    options.inter_op_num_threads = max(0, _integer(values.get("inter_op_thread_count", "0")))
    if "enable_mem_arena" in values:
        options.enable_cpu_mem_arena = _boolean(values["enable_mem_arena"])
    if "enable_mem_pattern" in values:
        options.enable_mem_pattern = _boolean(values["enable_mem_pattern"])
    if DEVICE_ALLOCATOR in values:
        options.add_session_config_entry(DEVICE_ALLOCATOR, values[DEVICE_ALLOCATOR])
    for library in config.get("model_operations", {}).get("op_library_filename", []):
        options.register_custom_ops_library(library)
    return options


def run_options(config: Mapping[str, Any]) -> ort.RunOptions:
    """Options of every run: the shrinking of memory arenas, if the configuration asks for it."""
    options = ort.RunOptions()
    shrinkage = parameters(config).get(ARENA_SHRINKAGE)
    if shrinkage is not None:
        options.add_run_config_entry(ARENA_SHRINKAGE, shrinkage)
    return options


def check_accelerators(config: Mapping[str, Any], kind: str) -> None:
    """Raise LoadError for an execution accelerator that Triton's ONNX Runtime does not have.

    Those for GPUs are looked at on GPU instances only, as in the C++ backend. Those known are not
    used here, which changes speed, not answers; the log says so.
    """
    accelerators = config.get("optimization", {}).get("execution_accelerators", {})
    for device in ("CPU", "GPU") if kind == "GPU" else ("CPU",):
        for accelerator in accelerators.get(f"{device.lower()}_execution_accelerator", []):
            name = accelerator["name"]
            if name not in ACCELERATORS[device]:
                known = ", ".join(sorted(ACCELERATORS[device]))
                raise LoadError(
                    f"unknown Execution Accelerator '{name}' is requested; "
                    f"there is {known} for {device}"
                )
            pb_utils.Logger.log_warn(
                f"{config['name']}: Execution Accelerator '{name}' and its parameters are not "
                "used by the ONNX Runtime of this server"
            )


def _providers(kind: str, device_id: int, model: Path) -> list[Any]:
    """CUDA for GPU instances where the installed onnxruntime has it, and the CPU for all."""
    cpu = "CPUExecutionProvider"
    if kind != "GPU":
        return [cpu]
    cuda = "CUDAExecutionProvider"
    if cuda in ort.get_available_providers():
        return [(cuda, {"device_id": device_id}), cpu]
    pb_utils.Logger.log_warn(f"{model} runs on the CPU: the installed onnxruntime has no CUDA")
    return [cpu]


def parameters(config: Mapping[str, Any]) -> dict[str, str]:
    """``parameters`` of the configuration as plain strings."""
    return {key: value["string_value"] for key, value in config.get("parameters", {}).items()}


def _integer(text: str) -> int:
    """A 32-bit number as the C++ backend reads it: what follows the digits does not matter."""
    digits = re.match(r"\s*[+-]?\d+", text)
    if digits is None or not -(2**31) <= int(digits.group()) < 2**31:
        raise LoadError(f"failed to convert '{text}' to integral number")
    return int(digits.group())


def _boolean(text: str) -> bool:
    if text.lower() not in BOOLEANS:
        raise LoadError(f"failed to convert '{text}' to boolean")
    return BOOLEANS[text.lower()]
