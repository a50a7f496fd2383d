"""The Triton release that a spec is rendered for: what it has and what it can load."""

import sys
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True, kw_only=True)
class Release:
    """A row of ``resources/releases.toml``.

    ``tag`` is the container's ``YY.MM``, ``version`` the server's. ``onnx_ir`` and ``onnx_opset``
    are the newest that its ONNX Runtime loads. ``python`` is the container's interpreter.
    """

    tag: str
    version: str
    python: str
    onnxruntime: str
    onnx_ir: int
    onnx_opset: int

    def __lt__(self, other: "Release") -> bool:
        return self.tag < other.tag


@cache
def releases() -> dict[str, Release]:
    """Return the known releases by tag, oldest first."""
    text = files("tritongen.resources").joinpath("releases.toml").read_text("utf-8")
    rows = tomllib.loads(text)["release"]
    return {row["tag"]: Release(**row) for row in rows}
