"""Triton's own configuration messages, without the gRPC client in whose package they are.

Importing that client takes 0.3 s, which only commands that talk to a server need. So the module of
the messages is loaded by its file, under its own name; the client finds it there later.
"""

import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path


def _load(name: str) -> None:
    package, *inside = name.split(".")
    found = find_spec(package)
    folders = found.submodule_search_locations if found else None
    if name in sys.modules or not folders:
        return
    spec = spec_from_file_location(name, Path(folders[0], *inside).with_suffix(".py"))
    if spec and spec.loader:
        sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])


_load("tritonclient.grpc.model_config_pb2")

from tritonclient.grpc.model_config_pb2 import (  # noqa: E402
    BatchInput,
    BatchOutput,
    DataType,
    ModelConfig,
    ModelDynamicBatching,
    ModelEnsembling,
    ModelInput,
    ModelInstanceGroup,
    ModelOptimizationPolicy,
    ModelOutput,
    ModelParameter,
    ModelQueuePolicy,
    ModelSequenceBatching,
    ModelWarmup,
)

__all__ = [
    "BatchInput",
    "BatchOutput",
    "DataType",
    "ModelConfig",
    "ModelDynamicBatching",
    "ModelEnsembling",
    "ModelInput",
    "ModelInstanceGroup",
    "ModelOptimizationPolicy",
    "ModelOutput",
    "ModelParameter",
    "ModelQueuePolicy",
    "ModelSequenceBatching",
    "ModelWarmup",
]
