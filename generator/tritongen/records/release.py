"""The Triton release that a spec is rendered for: what it has and what it can load."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True, kw_only=True)
class Feature:
    """A part of ``ModelConfig`` that only some releases know: the first and last tag that do.

    ``field`` is its path (``ensemble_scheduling.max_inflight_requests``), or ``backend:NAME``.
    """

    field: str
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True, kw_only=True)
class Release:
    """A row of ``resources/releases.toml``; what is ``None`` is not known, so no limit is checked.

    ``tag`` is the container's ``YY.MM``, ``version`` the server's. ``onnx_ir`` and ``onnx_opset``
    are the newest that its ONNX Runtime loads. ``python`` is the container's interpreter.
    """

    tag: str
    version: str
    python: str | None = None
    onnxruntime: str | None = None
    onnx_ir: int | None = None
    onnx_opset: int | None = None

    def __lt__(self, other: "Release") -> bool:
        return self.tag < other.tag

    def lacks(self, field: str) -> str | None:
        """Return in words why this release has no ``field``, or ``None`` if it has it.

        ``field`` is a path in ``ModelConfig`` (a field of an unknown message is unknown too), or
        ``backend:NAME``.
        """
        for feature in _table().features:
            if field != feature.field and not field.startswith(feature.field + "."):
                continue
            if feature.since and self.tag < feature.since:
                return f"Triton has it since {feature.since}"
            if feature.until and self.tag > feature.until:
                return f"Triton {feature.until} was the last to have it"
        return None


@dataclass(frozen=True, kw_only=True)
class _Table:
    releases: dict[str, Release]
    features: tuple[Feature, ...]


@cache
def _table() -> _Table:
    text = files("tritongen.resources").joinpath("releases.toml").read_text("utf-8")
    rows = tomllib.loads(text)
    limits = rows["onnxruntime"]
    return _Table(
        releases={row["tag"]: _release(row, limits) for row in rows["release"]},
        features=tuple(Feature(**row) for row in rows["feature"]),
    )


def _release(row: Mapping[str, str], limits: Mapping[str, Any]) -> Release:
    minor = row.get("onnxruntime", "").rpartition(".")[0]
    limit = limits[minor] if minor else {}
    return Release(**row, onnx_ir=limit.get("ir"), onnx_opset=limit.get("opset"))


def releases() -> dict[str, Release]:
    """Return the known releases by tag, oldest first."""
    return dict(_table().releases)


def features() -> tuple[Feature, ...]:
    """Return the parts of ``ModelConfig`` that only some releases know."""
    return _table().features
