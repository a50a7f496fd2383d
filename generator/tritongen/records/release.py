"""The Triton release that a spec is rendered for: what it has and what it can load."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple


class Feature(NamedTuple):
    """Something that only some releases have: the first and the last tag that do.

    ``field`` is a path in ``ModelConfig`` (``ensemble_scheduling.max_inflight_requests``), or one
    of ``backend:NAME``, ``platform:NAME``, ``parameter:BACKEND.NAME``, ``kind:BACKEND.KIND``,
    ``flag:NAME`` (an option of tritonserver, without the dashes) and ``metric:NAME``.
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

        ``field`` is written as in ``Feature``; what lies inside of something is lacking with it.
        """
        known, inner = _table().by_field, field
        while inner not in known and "." in inner:
            inner = inner.rpartition(".")[0]
        feature = known.get(inner)
        if feature and feature.since and self.tag < feature.since:
            return f"Triton has it since {feature.since}"
        if feature and feature.until and self.tag > feature.until:
            return f"Triton {feature.until} was the last to have it"
        return None


class _Table(NamedTuple):
    releases: dict[str, Release]
    features: tuple[Feature, ...]
    by_field: dict[str, Feature]


@cache
def _table() -> _Table:
    # Starting a server again needs no table, so it does not wait for what reads one.
    from importlib.resources import files

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    text = files("tritongen.resources").joinpath("releases.toml").read_text("utf-8")
    rows = tomllib.loads(text)
    limits = rows["onnxruntime"]
    features = tuple(Feature(**row) for row in rows["feature"])
    return _Table(
        releases={row["tag"]: _release(row, limits) for row in rows["release"]},
        features=features,
        by_field={feature.field: feature for feature in features},
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
