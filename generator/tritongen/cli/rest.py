"""What else is wrong with a refused spec: in what has nothing to do with the refusal.

A stage refuses with all that it finds, and those behind it can't run on what it refused. They run
on the rest: without the entries where something was found, and without those that name them.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence, Set
from pathlib import Path

from tritongen.errors import SpecError
from tritongen.records.finding import Finding, Place, SpecPath
from tritongen.records.release import releases
from tritongen.records.spec import Spec
from tritongen.stages.check import check
from tritongen.stages.probe import probe
from tritongen.stages.resolve import resolve

MODELS = ("models", "ensembles")
ENTRIES = (*MODELS, "loadtests", "slo")
SERVING = ("server", "stack")
WHOLE = (*SERVING, "tune")
"""Sections that are read as one: ``load`` leaves out of them what it refuses."""
ELSEWHERE: SpecPath = ("",)


def with_rest(refused: SpecError, spec: Spec | None, root: Path) -> SpecError:
    """Return the refusal with what is wrong in the rest of ``spec``, which may be read in part."""
    findings = list(refused.findings)
    while spec is not None:
        about = _about(spec, findings)
        spec = _without(spec, about)
        if spec is None:
            break
        more, refused_again = _judge(spec, about, root)
        new = [one for one in more if one not in findings]
        findings += new
        if not (refused_again and new):
            break
    return SpecError(sorted(findings, key=lambda one: _position(one.place)))


def _judge(rest: Spec, about: Set[SpecPath], root: Path) -> tuple[list[Finding], bool]:
    """Return what is wrong with the rest, and whether that kept some of it from being looked at."""
    try:
        plan = resolve(rest, probe(rest, root))
        found = () if about & {(section,) for section in SERVING} else check(plan)
        is_refused = False
    except SpecError as error:
        found, is_refused = error.findings, True
    # The server's options and the stack's name models, too: not those that only are not read.
    gone = {str(path[1]) for path in _written(rest, MODELS)} - {*rest.models, *rest.ensembles}
    return [one for one in found if not any(repr(name) in one.message for name in gone)], is_refused


def _about(spec: Spec, findings: Sequence[Finding]) -> set[SpecPath]:
    """Return the sections and entries in which findings lie: several where an anchor is shared."""
    entries: dict[Place, set[SpecPath]] = {}
    for path, place in spec.places.by_path.items():
        entries.setdefault(place, set()).add(path[:1] if path[0] in WHOLE else path[:2])
    starts = sorted(entries, key=_position)
    keys = [_position(place) for place in starts]
    about: set[SpecPath] = set()
    for found in {one.place for one in findings}:
        at = bisect_right(keys, _position(found)) - 1
        inside = at >= 0 and found is not None and starts[at].file == found.file
        about |= entries[starts[at]] if inside else _running(spec, found)
    return about


def _running(spec: Spec, place: Place | None) -> set[SpecPath]:
    """Return the models whose Python file a place lies in, else that it can't be told."""
    name = Path(place.file).name if place else ""
    return {
        ("models", each)
        for each, model in spec.models.items()
        if name and Path((model.python or "").partition(":")[0]).name == name
    } or {ELSEWHERE}


def _without(spec: Spec, about: Set[SpecPath]) -> Spec | None:
    """Return a spec without these entries and all that name them; ``None`` if one is no entry."""
    if spec.triton not in releases() or not all(
        path[0] in WHOLE or (path[0] in ENTRIES and len(path) > 1) for path in about
    ):
        return None
    unread = {
        path for path in _written(spec, ENTRIES) if path[1] not in getattr(spec, str(path[0]))
    }
    broken = about | unread
    names = _with_dependents(spec, {str(path[1]) for path in broken if path[0] in MODELS})
    tests = {
        name: test
        for name, test in spec.loadtests.items()
        if ("loadtests", name) not in broken and not {test.model, *(test.models or ())} & names
    }
    tune = spec.tune
    if len(tests) < len(list(_written(spec, ("loadtests",)))) or (tune and {*tune.search} & names):
        tune = None
    return spec.model_copy(
        update={
            "models": {name: one for name, one in spec.models.items() if name not in names},
            "ensembles": {name: one for name, one in spec.ensembles.items() if name not in names},
            "slo": {
                name: slo
                for name, slo in spec.slo.items()
                if ("slo", name) not in broken and name not in names
            },
            "loadtests": tests,
            "tune": tune,
        }
    )


def _with_dependents(spec: Spec, names: set[str]) -> set[str]:
    """Return these models and all whose steps or code run one of them, at any depth."""
    runs = {name: {*model.calls} for name, model in spec.models.items()}
    runs |= {name: {step.model for step in one.steps} for name, one in spec.ensembles.items()}
    while more := {name for name, run in runs.items() if name not in names and run & names}:
        names |= more
    return names


def _written(spec: Spec, sections: Sequence[str]) -> Iterator[SpecPath]:
    """Yield the entries that were written, also those that could not be read."""
    entries = (path for path in spec.places.by_path if len(path) == 2)
    return (path for path in entries if path[0] in sections)


def _position(place: Place | None) -> tuple[str, int, int]:
    return (place.file, place.line, place.column) if place else ("", 0, 0)
