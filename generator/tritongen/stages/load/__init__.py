"""Turns the user's file(s) into a :class:`Spec`: read, compose, overlay, settle, read by type."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tritongen.errors import SpecError
from tritongen.records.finding import Place, Places, SpecPath
from tritongen.records.release import releases
from tritongen.records.scalars import NAME, quote
from tritongen.records.spec import Spec
from tritongen.stages.load import codes
from tritongen.stages.load.compose import compose
from tritongen.stages.load.keys import plain, read_keys
from tritongen.stages.load.loadtests import read_loadtest, read_slo
from tritongen.stages.load.nodes import Entries, Items, Node, Text, describe
from tritongen.stages.load.read import read
from tritongen.stages.load.report import Report
from tritongen.stages.load.servables import check_name, read_ensemble, read_model
from tritongen.stages.load.server import read_server
from tritongen.stages.load.settle import overlay, settle, spelled_out
from tritongen.stages.load.stack import read_stack
from tritongen.stages.load.tune import read_tune

T = TypeVar("T")

SCALARS = ("tritongen", "name", "triton")
KEYS = (*SCALARS, "models", "ensembles", "server", "slo", "loadtests", "stack", "tune", "vars")


def load(paths: Sequence[Path], environment: Mapping[str, str]) -> Spec:
    """Read a spec and its overlays, in order.

    ``environment`` is where ``${NAME}`` is looked up before the spec's own ``vars:``. Raises
    :class:`SpecError` with every finding of all files, in reading order, and with the entries that
    could be read.
    """
    if not paths:
        raise SpecError("no spec was named", fix="give the path of one: spec.yaml")
    report = Report()
    roots = [_compose(report, path) for path in paths]
    if None in roots:
        report.stop_if_any()
    root = Entries(values={}, keys={}, place=Place(file=str(paths[0]), line=1, column=1))
    for over in roots:
        if over is not None:
            root = overlay(spelled_out(root, over), over)
    spec = _read_spec(report, settle(report, root, environment), paths)
    report.stop_if_any(spec)
    assert spec is not None
    return spec


def _compose(report: Report, path: Path) -> Entries | None:
    text = read(report, path)
    return None if text is None else compose(report, text, str(path))


def _read_spec(report: Report, root: Entries, paths: Sequence[Path]) -> Spec | None:
    places: dict[SpecPath, Place] = {}
    _note_places(root, (), places)
    keys: dict[str, Any] = {"files": tuple(paths), "name": _default_name(paths[0])}
    keys |= {key: plain(root.values[key]) for key in SCALARS if key in root.values}
    keys["models"] = _read_each(report, root, "models", "a model", read_model, places)
    keys["ensembles"] = _read_each(report, root, "ensembles", "an ensemble", read_ensemble, places)
    keys["slo"] = _read_each(report, root, "slo", "a model", read_slo, places)
    keys["loadtests"] = _read_each(report, root, "loadtests", "a load test", read_loadtest, places)
    keys["server"] = read_server(report, root.values.get("server"))
    keys["stack"] = read_stack(report, root.values.get("stack"))
    keys["tune"] = read_tune(report, root.values.get("tune"))
    _check_keys(report, root)
    _check_taken(report, root)
    _check_release(report, root.values.get("triton"))
    return read_keys(report, Spec, root, keys | {"places": Places(places)}, "a spec")


def _note_places(node: Node, path: SpecPath, places: dict[SpecPath, Place]) -> None:
    """Note where each value was said: its key, or the item of a list."""
    if isinstance(node, Entries):
        for key, value in node.values.items():
            places[(*path, key)] = node.keys[key]
            _note_places(value, (*path, key), places)
    elif isinstance(node, Items):
        for number, item in enumerate(node.items):
            places[(*path, number)] = item.place
            _note_places(item, (*path, number), places)


def _read_each(
    report: Report,
    root: Entries,
    section: str,
    kind: str,
    read_one: Callable[[Report, str, Node, dict[SpecPath, Place]], T | None],
    places: dict[SpecPath, Place],
) -> dict[str, T]:
    node = root.values.get(section)
    if node is None:
        return {}
    if not isinstance(node, Entries):
        message = f"`{section}` wants a mapping, found {describe(node)}"
        report.add(codes.TYPE, node.place, message, fix=f"write `{section}: {{name: ...}}`")
        return {}
    found = {}
    for name, value in node.values.items():
        check_name(report, name, node.keys[name], kind)
        one = read_one(report, name, value, places)
        if one is not None:
            found[name] = one
    return found


def _check_keys(report: Report, root: Entries) -> None:
    for key in root.values:
        if key not in KEYS:
            report.unknown(root, key, "a spec", KEYS)


def _check_taken(report: Report, root: Entries) -> None:
    models, ensembles = root.values.get("models"), root.values.get("ensembles")
    if isinstance(models, Entries) and isinstance(ensembles, Entries):
        for name in ensembles.keys.keys() & models.keys.keys():
            message = f"the ensemble {quote(name)} is also a model, at {models.keys[name]}"
            why = "models and ensembles share one model repository"
            report.add(
                codes.TAKEN, ensembles.keys[name], message, why=why, fix="rename one of them"
            )


def _check_release(report: Report, node: Node | None) -> None:
    if isinstance(node, Text) and node.text not in releases():
        tags = list(releases())
        message = f"{describe(node)} is not a release of Triton known here"
        known = f"they are {tags[0]} to {tags[-1]}"
        report.add(codes.RELEASE, node.place, message, why=known, fix=_nearest_release(node.text))


def _nearest_release(text: str) -> str:
    """Name the newest known release that is not newer than the text, else the first."""
    tags = list(releases())
    year, _, month = text.partition(".")
    if not re.fullmatch("[0-9]{2}", year) or not re.fullmatch("[0-9]{1,2}", month):
        return f"write one like `{tags[-1]}`"
    tag = f"{year}.{int(month):02}"
    older = [known for known in tags if known <= tag]
    return f"the nearest is `{(older or tags)[-1 if older else 0]}`"


def _default_name(path: Path) -> str:
    """Return the file's stem, for ``spec.yaml`` its folder's name, as a name."""
    stem = path.stem if path.stem != "spec" else path.absolute().parent.name
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).lstrip("._-")
    return name if NAME.fullmatch(name) else "spec"
