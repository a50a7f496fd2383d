"""The nouns: frozen values that pass between the stages.

A configuration is Triton's own ``ModelConfig`` message. The package that ships it imports its
gRPC client first, 0.3 s that no command but those which talk to a server needs; so the module of
the messages is loaded here by its file, under its own name: the client finds it there later.
"""

import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path


def _load_messages(name: str = "tritonclient.grpc.model_config_pb2") -> None:
    package, *inside = name.split(".")
    found = find_spec(package)
    folders = found.submodule_search_locations if found else None
    if name in sys.modules or not folders:
        return
    spec = spec_from_file_location(name, Path(folders[0], *inside).with_suffix(".py"))
    if spec and spec.loader:
        sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])


_load_messages()
