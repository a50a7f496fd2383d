"""Completes a model configuration from an ONNX graph, and refuses one that the graph cannot keep.

The rules are those of Triton's C++ backend for ONNX Runtime, which also loads what looks odd: an
output may be left out, an input's dims may be narrower than the model's.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ort_release import LoadError
from ort_session import Signature, Tensor

DEFAULT_MAX_BATCH_SIZE = 4
STRING_OR_COMMENT = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\#[^\n]*""")
FALSE_TRUE_TYPES = {
    "int32_false_true": "TYPE_INT32",
    "fp32_false_true": "TYPE_FP32",
    "bool_false_true": "TYPE_BOOL",
}


def refuse_runtime(model_directory: Path) -> None:
    """Raise LoadError if config.pbtxt says ``runtime``: the C++ backend has no ``model.py``.

    The configuration that Triton hands over always has it: Triton found this backend by that name.
    """
    file = model_directory / "config.pbtxt"
    if not file.is_file():
        return
    text = file.read_text(encoding="utf-8", errors="replace")
    if re.search(r"\bruntime\s*:\s*value", STRING_OR_COMMENT.sub(_blank, text)):
        raise LoadError(
            "config.pbtxt sets runtime, but NVIDIA's onnxruntime backend is no Python backend: "
            "remove the line"
        )


def _blank(match: re.Match[str]) -> str:
    """What stays of a string or comment: that it was a string with something in it."""
    return "value" if match[0][0] in "\"'" and len(match[0]) > 2 else ""


def is_complete(config: Mapping[str, Any]) -> bool:
    """Whether the configuration names its tensors, so that nothing is filled in."""
    return bool(config["input"] or config["batch_input"]) and bool(config["output"])


def complete(config: dict[str, Any], model: Signature) -> None:
    """Fill in max_batch_size, dynamic_batching, and inputs or outputs where there are none.

    Raises LoadError if a batch size is configured and the graph cannot batch.
    """
    _complete_batching(config, model)
    batching = config["max_batch_size"] > 0
    if not config["input"] and not config["batch_input"]:
        config["input"] = [_declaration(tensor, batching) for tensor in model.inputs.values()]
    if not config["output"]:
        config["output"] = [_declaration(tensor, batching) for tensor in model.outputs.values()]


def _complete_batching(config: dict[str, Any], model: Signature) -> None:
    tensors = (*model.inputs.values(), *model.outputs.values())
    if not all(tensor.dims[:1] == (-1,) for tensor in tensors):
        if config["max_batch_size"] > 0:
            raise LoadError(
                f"autofill failed for model '{config['name']}': model does not support batching "
                "while non-zero max_batch_size is specified"
            )
        return
    config["max_batch_size"] = config["max_batch_size"] or DEFAULT_MAX_BATCH_SIZE
    scheduled = "sequence_batching" in config or "dynamic_batching" in config
    if config["max_batch_size"] > 1 and not scheduled:
        config["dynamic_batching"] = {}


def _declaration(tensor: Tensor, batching: bool) -> dict[str, Any]:
    """A tensor as the configuration would declare it; Triton has no empty dims."""
    if tensor.data_type == "TYPE_INVALID":
        raise LoadError(f"'{tensor.name}' is a {tensor.onnx_type}: Triton cannot carry its type")
    dims = list(tensor.dims[1:] if batching else tensor.dims)
    declaration: dict[str, Any] = {
        "name": tensor.name,
        "data_type": tensor.data_type,
        "dims": dims or [1],
    }
    if batching and not dims:
        declaration["reshape"] = {"shape": []}
    return declaration


def check(config: Mapping[str, Any], model: Signature) -> None:
    """Raise LoadError that says everything in which configuration and graph differ."""
    problems = [
        *_inputs(config, model),
        *_batch_inputs(config, model),
        *_outputs(config, model),
        *_sequence(config, model),
    ]
    if problems:
        raise LoadError(f"unable to load model '{config['name']}': {'; '.join(problems)}")


def _inputs(config: Mapping[str, Any], model: Signature) -> Iterator[str]:
    yield from _input_count(config, model)
    batching = config["max_batch_size"] > 0
    for declared in config["input"]:
        name = declared["name"]
        optional, ragged = declared["optional"], declared["allow_ragged_batch"]
        tensor = model.inputs.get(name) or model.initializers.get(name)
        if optional and batching:
            yield f"optional input '{name}' is not supported for models that support batching"
        if tensor is None:
            allowed = ", ".join((*model.inputs, *model.initializers))
            yield f"unexpected inference input '{name}', allowed inputs are: {allowed}"
        elif declared["data_type"] != tensor.data_type:
            yield _other_type("input", tensor, declared["data_type"])
        elif ragged and (optional or tensor.dims != (-1,)):
            yield (
                f"ragged input '{name}' must be required and have the shape [-1] in the model, "
                f"which has {shape(tensor.dims)}"
            )
        elif not ragged:
            yield from _dims(tensor, wanted_dims(declared), batching, exact=False)


def _input_count(config: Mapping[str, Any], model: Signature) -> Iterator[str]:
    sequence = config.get("sequence_batching", {})
    required = [item["name"] for item in config["input"] if not item["optional"]]
    required += [name for item in config["batch_input"] for name in item["target_name"]]
    required += [name for name, _ in controls(config)]
    required += [state["input_name"] for state in sequence.get("state", [])]
    if len(required) == len(model.inputs):
        return
    text = f"configuration expects {len(required)} inputs, model provides {len(model.inputs)}"
    missing = [f"'{name}'" for name in model.inputs if name not in required]
    defaulted = [f"'{name}'" for name in required if name in model.initializers]
    if missing:
        text += f" (the model also needs {', '.join(missing)})"
    if defaulted:
        text += f" ({', '.join(defaulted)} has a default in the model: declare it optional)"
    yield text


def _batch_inputs(config: Mapping[str, Any], model: Signature) -> Iterator[str]:
    for item in config["batch_input"]:
        if len(item["target_name"]) != 1:
            # The C++ backend counts one input of the model per batch_input.
            yield f"batch_input of kind {item['kind']} must have exactly one target_name"
        for name in item["target_name"]:
            tensor = model.inputs.get(name)
            if tensor is None:
                yield f"batch_input has the target '{name}', but the model has no such input"
            elif tensor.data_type != item["data_type"]:
                yield _other_type("batch input", tensor, item["data_type"])


def _outputs(config: Mapping[str, Any], model: Signature) -> Iterator[str]:
    batching = config["max_batch_size"] > 0
    scattered = {name for item in config["batch_output"] for name in item["target_name"]}
    for declared in config["output"]:
        name = declared["name"]
        tensor = model.outputs.get(name)
        if tensor is None:
            yield _unexpected_output(name, model)
        elif declared["data_type"] != tensor.data_type:
            yield _other_type("output", tensor, declared["data_type"])
        elif name not in scattered:
            yield from _dims(tensor, wanted_dims(declared), batching, exact=True)


def _dims(tensor: Tensor, dims: Sequence[int], batching: bool, *, exact: bool) -> Iterator[str]:
    """Compare configured dims with the model's; ``exact`` also where the model's are dynamic."""
    if batching and tensor.dims[:1] != (-1,):
        yield (
            f"tensor '{tensor.name}': for the model to support batching the shape should have at "
            "least 1 dimension and the first dimension must be -1; but shape expected by the "
            f"model is {shape(tensor.dims)}"
        )
        return
    full = (-1, *dims) if batching else tuple(dims)
    same_rank = len(full) == len(tensor.dims)
    if not batching and not tensor.dims:
        # A scalar of the model is [1] in Triton, or [1,1]: it has no way to say [].
        if any(dim != 1 for dim in full):
            yield f"scalar tensor '{tensor.name}' needs dims [1], not {shape(full)}"
    elif not same_rank or any(
        model != configured
        for model, configured in zip(tensor.dims, full, strict=True)
        if exact or model != -1
    ):
        reason = " including the batch dimension of max_batch_size > 0" if batching else ""
        yield (
            f"tensor '{tensor.name}': the model expects {len(tensor.dims)} dimensions (shape "
            f"{shape(tensor.dims)}) but the model configuration specifies {len(full)} dimensions "
            f"(shape {shape(full)}{reason})"
        )


def _sequence(config: Mapping[str, Any], model: Signature) -> Iterator[str]:
    batching = config["max_batch_size"] > 0
    for name, data_type in controls(config):
        tensor = model.inputs.get(name)
        if tensor is None:
            yield (
                f"configuration specified sequence control '{name}', "
                "but model does not provide that input"
            )
        elif tensor.dims[batching:] != (1,):
            dims = shape(tensor.dims[batching:])
            yield f"sequence control '{name}' in model has dims {dims} but dims [1] is expected"
        elif data_type != tensor.data_type:
            yield _other_type("sequence control", tensor, data_type)
    for state in config.get("sequence_batching", {}).get("state", []):
        yield from _state(state, model, batching)


def _state(state: Mapping[str, Any], model: Signature, batching: bool) -> Iterator[str]:
    """The C++ backend finds these out at the first request; here they are known at load."""
    taken = model.inputs.get(state["input_name"])
    given = model.outputs.get(state["output_name"])
    if taken is None:
        yield f"the model has no input '{state['input_name']}' for the state that it would take"
    elif taken.data_type != state["data_type"]:
        yield _other_type("input state", taken, state["data_type"])
    elif len(taken.dims) != len(state["dims"]) + batching:
        yield (
            f"input state '{taken.name}' has the shape {shape(taken.dims)} in the model, "
            f"but dims {shape(state['dims'])} in the configuration"
        )
    if given is None:
        yield _unexpected_output(state["output_name"], model)
    elif given.data_type != state["data_type"]:
        yield _other_type("output state", given, state["data_type"])


def controls(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and data type of every control tensor that Triton adds to the requests."""
    for control_input in config.get("sequence_batching", {}).get("control_input", []):
        for control in control_input["control"]:
            typed = [data_type for key, data_type in FALSE_TRUE_TYPES.items() if control[key]]
            yield control_input["name"], *(typed or [control["data_type"]])


def wanted_dims(declared: Mapping[str, Any]) -> list[int]:
    """The dims that the model sees: those of ``reshape`` where there is one."""
    dims = declared["reshape"]["shape"] if "reshape" in declared else declared["dims"]
    return [int(dim) for dim in dims]


def fits(dims: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether real dims are those wanted, where -1 takes any."""
    return len(dims) == len(wanted) and all(
        want in (-1, dim) for dim, want in zip(dims, wanted, strict=True)
    )


def shape(dims: Iterable[int]) -> str:
    """Dims as Triton writes them."""
    return f"[{','.join(map(str, dims))}]"


def _other_type(role: str, tensor: Tensor, data_type: str) -> str:
    provided = tensor.onnx_type if tensor.data_type == "TYPE_INVALID" else tensor.data_type
    return (
        f"configuration expects datatype {data_type} for {role} '{tensor.name}', "
        f"model provides {provided}"
    )


def _unexpected_output(name: str, model: Signature) -> str:
    return f"unexpected inference output '{name}', allowed outputs are: {', '.join(model.outputs)}"
