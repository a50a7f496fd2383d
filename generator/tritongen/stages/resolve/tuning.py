"""Searches that can't be done: the findings for ``tune:``."""

from collections.abc import Iterable, Mapping

from tritongen.records.finding import Finding, Place, did_you_mean

TUNE_TABLE = {
    "TG601": "`tune:` names a load test, a model or a parameter that does not exist, or a model "
    "that no request of the load test passes.",
    "TG602": "A parameter can't move at this model, or can't have one of the values said: a model "
    "without a dynamic batcher has no queue delay, and 0 instances run nothing.",
    "TG603": "There is nothing to search: every model is pinned, or every parameter has one value "
    "only.",
    "TG604": "A search measures each setting under a load test, and the spec has none.",
}


def unknown(kind: str, name: str, known: Iterable[str], place: Place | None) -> Finding:
    """Something is named that does not exist."""
    known = list(known)
    return _error(
        "TG601",
        f"there is no {kind} {name!r}",
        why="only what is known can be searched",
        fix=did_you_mean(name, known) or f"name one of {', '.join(known)}",
        place=place,
    )


def unreached(name: str, reached: Iterable[str], place: Place | None) -> Finding:
    """A model is not under the load."""
    return _error(
        "TG601",
        f"no request of the load test passes {name!r}",
        why="what it is set to changes nothing that is measured; an ensemble's own settings follow "
        "from its steps'",
        fix=f"name one of {', '.join(reached)}",
        place=place,
    )


def immovable(model: str, path: str, why: str, place: Place | None) -> Finding:
    """A parameter does not apply to a model."""
    return _error(
        "TG602", f"{path} of {model} can't move: {why}", why="", fix="remove it", place=place
    )


def impossible(path: str, value: str, why: str, place: Place | None) -> Finding:
    """A value that a parameter can't have."""
    return _error(
        "TG602", f"{path} can't be {value}: {why}", why="", fix="remove the value", place=place
    )


def no_values(path: str, place: Place | None) -> Finding:
    """A parameter whose values have to be said."""
    return _error(
        "TG602",
        f"nothing says what {path} may be",
        why="only you know what is worth trying",
        fix=f"write `{path}: [...]`",
        place=place,
    )


def nothing_moves(pinned: Mapping[str, str], place: Place | None) -> Finding:
    """The space has one point."""
    reasons = "; ".join(f"{name}: {why}" for name, why in pinned.items())
    return _error(
        "TG603",
        "there is nothing to search: every parameter has one value only",
        why=reasons,
        fix="give a parameter several values, or leave `search:` out",
        place=place,
    )


def no_loadtest(place: Place | None) -> Finding:
    """The spec has no load test."""
    return _error(
        "TG604",
        "there is no load test to measure settings under",
        why="what is best depends on what is asked, and how often",
        fix="add `loadtests: {steady: {model: ..., arrivals: {closed: 16}, duration: 10s}}`",
        place=place,
    )


def _error(code: str, message: str, *, why: str, fix: str, place: Place | None) -> Finding:
    return Finding(code=code, severity="error", place=place, message=message, why=why, fix=fix)
