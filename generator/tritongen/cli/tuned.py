"""What a study found goes into the spec: as a patch, as an overlay, as evidence in `explain`."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tritongen.cli.files import replace as write_file
from tritongen.cli.output import console, messages, relative
from tritongen.cli.planning import coloured
from tritongen.errors import SpecError
from tritongen.records.finding import SpecPath
from tritongen.records.paths import STUDIES
from tritongen.records.plan import Decision, Plan
from tritongen.records.study import SERVER, Study
from tritongen.records.tune import Value
from tritongen.stages.amend import Amendment, amend, overlay
from tritongen.stages.tune import apply_setting, read_study, tuned, written
from tritongen.stages.tune.settings import read_value


def amendments(plan: Plan, study: Study) -> list[Amendment]:
    """Return what the spec has to say to be as the winner; nothing if it is already."""
    evidence = {decision.path: decision.why for decision in tuned(plan, study)}
    found = [
        Amendment(path=where, value=written(path, value), why=evidence[where])
        for where, (_, path, value) in _winning(plan, study).items()
    ]
    return [*found, *_following(plan, study)] if found else []


def _winning(plan: Plan, study: Study) -> dict[SpecPath, tuple[str, str, Value]]:
    """Return what the winner changes: place in the spec -> model, parameter, value."""
    found, space = study.conclusion, study.space
    if found is None or space is None or found.winner is None or found.verdict != "better":
        return {}
    winner = found.winner.configuration
    changed = {}
    for (model, path), _, value in winner.unlike(space.start.configuration):
        if model != SERVER and model not in plan.models:
            continue
        where = ("server",) if model == SERVER else plan.models[model].path
        changed[(*where, *path.split("."))] = (model, path, value)
    return changed


def _following(plan: Plan, study: Study) -> Iterator[Amendment]:
    """Yield what is said of others and has to follow: batch sizes above what their steps take."""
    assert study.conclusion
    assert study.conclusion.winner
    after = apply_setting(plan, study.conclusion.winner)
    for name, entry in plan.spec.ensembles.items():
        size = after.models[name].config.max_batch_size
        if "max_batch_size" in entry.said and size != plan.models[name].config.max_batch_size:
            path = (*plan.models[name].path, "max_batch_size")
            yield Amendment(path=path, value=size, why="it follows its steps")


def write_into(plan: Plan, found: Sequence[Amendment], spec: Path, show: Console = console) -> None:
    """Write values where the spec, or a file laid over it, says them; show the patch.

    Raises:
        SpecError: one stands where it can't be changed alone; nothing is written then.
    """
    by_file: dict[Path, list[Amendment]] = {}
    for each in found:
        place = plan.places.by_path.get(each.path)
        by_file.setdefault(Path(place.file) if place else spec, []).append(each)
    texts = {path: path.read_bytes().decode() for path in by_file}
    changed = {path: amend(texts[path], each) for path, each in by_file.items()}
    for path, text in changed.items():
        show.print(patch(path, texts[path], text), end="")
        write_file(path, text)
        messages.print(f"written: {relative(path)}; `tritongen build` serves it", style="green")


def patch(path: Path, before: str, after: str) -> Text:
    """Return what changes as a unified diff."""
    name = relative(path)
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    return coloured("".join(lines))


def write_overlay(found: Sequence[Amendment], spec: Path, path: Path, journal: Path) -> None:
    """Write values as a file to lay over the spec."""
    text = spec.read_bytes().decode()
    head = f"What `tritongen tune` found for {spec.name} ({journal.name})"
    write_file(path, overlay(text, found, head))
    messages.print(
        Text(f"written: {relative(path)}; lay it over with -f {relative(path)}", "green")
    )


# ---- evidence ----


def with_evidence(plan: Plan, root: Path) -> tuple[Decision, ...]:
    """Return a plan's decisions; values that a study found say so, with what showed it.

    The newest study whose winner has a value, as the plan has it now, is its evidence.
    """
    found: dict[SpecPath, Decision] = {}
    for study in _studies(root):
        if not _known(plan, study):
            continue
        why = {decision.path: decision for decision in tuned(plan, study)}
        for where, (model, path, value) in _winning(plan, study).items():
            if where not in found and read_value(plan, model, path) == value:
                found[where] = why[where]
    return tuple(_merged(plan.decisions, found))


def _studies(root: Path) -> Iterator[Study]:
    paths = sorted((root / STUDIES).glob("*.jsonl"), key=lambda p: -p.stat().st_mtime)
    for path in paths:
        try:
            yield read_study(path)
        except SpecError:
            continue  # half a study is no evidence


def _known(plan: Plan, study: Study) -> bool:
    winner = study.conclusion.winner if study.conclusion else None
    return winner is not None and all(
        model == SERVER or model in plan.models for model, _, _ in winner.values
    )


def _merged(decisions: Sequence[Decision], found: dict[SpecPath, Decision]) -> list[Decision]:
    """Return decisions with those found: in the place of the same, or behind what they are in."""
    merged = [
        replace(found[each.path], value=each.value) if each.path in found else each
        for each in decisions
    ]
    there = {each.path for each in decisions}
    for path, each in found.items():
        if path not in there:
            near = [_shared(other.path, path) for other in merged]
            most = max(near, default=0)
            last = len(near) - near[::-1].index(most) if most else len(merged)
            merged.insert(last, each)
    return merged


def _shared(one: SpecPath, other: SpecPath) -> int:
    """Return how many parts two paths have in common from their start."""
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
