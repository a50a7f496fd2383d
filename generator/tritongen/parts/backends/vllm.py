"""vLLM: the version folder holds the arguments of its engine, the model comes from elsewhere."""

import json
from pathlib import Path

from tritongen.errors import SpecError
from tritongen.parts.backends._backend import TEXT, Backend, Format
from tritongen.records.facts import Inspection


def inspect(file: Path, shown: str) -> Inspection:
    """Require engine arguments that name a model; the tensors are the backend's own."""
    fix = 'write the engine\'s arguments: {"model": "NAME"}'
    try:
        arguments = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        message = f"{shown} is not JSON: {error}"
        raise SpecError.of("TG056", message, why="vLLM could not load it", fix=fix) from error
    if not isinstance(arguments, dict) or not isinstance(arguments.get("model"), str):
        message = f"{shown} does not say which model vLLM runs"
        raise SpecError.of("TG056", message, why='the engine needs the argument "model"', fix=fix)
    return Inspection()


BACKEND = Backend(
    name="vllm",
    formats=(Format(file="model.json", also=(".json",), inspect=inspect, compared=False),),
    decoupled=True,
    parameters={
        "REPORT_CUSTOM_METRICS": TEXT,
        "ENABLE_VLLM_HEALTH_CHECK": TEXT,
        "GPU_DEVICE_IDS": TEXT,
    },
)
