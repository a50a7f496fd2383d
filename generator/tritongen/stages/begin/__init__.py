"""A first spec from model files: their names, their tensors, and which of them fit together."""

from tritongen.stages.begin.files import Found, find
from tritongen.stages.begin.write import default_name, draft, write

__all__ = ["Found", "default_name", "draft", "find", "write"]
