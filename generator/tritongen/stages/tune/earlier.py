"""What earlier studies measured of steps that have not changed since."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tritongen.errors import SpecError
from tritongen.records.profile import Profile, StepProfile, Timing
from tritongen.records.study import Study, Taken
from tritongen.simulate.timings import by_rows
from tritongen.stages.tune.journal import read_study

MOST = 30
"""What was measured elsewhere counts as so many executions of a batch size at most: what is
measured now outweighs it within a second or two."""
APART = 1.3
"""A step that takes so many times longer or shorter than it did is not the same any more."""


def taken(study: Study, journals: Iterable[Path]) -> tuple[Taken, ...]:
    """Return what a new study can take from others, the newest first."""
    found: list[Taken] = []
    have: set[str] = set()
    for path in journals:
        earlier = _readable(path)
        if earlier is None or earlier.profile is None or not _alike(earlier, study):
            continue
        steps = {
            key: step
            for key, step in earlier.profile.steps.items()
            if key not in have and _same(earlier, study, step)
        }
        if steps:
            have |= steps.keys()
            profile = replace(earlier.profile, steps=steps)
            found.append(Taken(study=path.stem, began=earlier.began, profile=profile))
    return tuple(found)


def _readable(path: Path) -> Study | None:
    try:
        return read_study(path, trials=False)
    except SpecError:
        return None  # of another version, or cut off: nothing is lost but time


def _alike(earlier: Study, study: Study) -> bool:
    return (earlier.host, earlier.conditions) == (study.host, study.conditions)


def _same(earlier: Study, study: Study, step: StepProfile) -> bool:
    content = study.contents.get(step.model)
    return content is not None and earlier.contents.get(step.model) == content


def condensed(profile: Profile) -> Profile:
    """Return a profile with one time for each batch size, as it would be undisturbed."""
    return replace(profile, steps={key: _condensed(s) for key, s in profile.steps.items()})


def _condensed(step: StepProfile) -> StepProfile:
    timings = tuple(
        Timing(rows=rows, ms=ms, executions=min(max(round(weight), 1), MOST))
        for rows, (weight, ms) in by_rows(step.timings).items()
    )
    return replace(step, timings=timings)


def joined(all_taken: Sequence[Taken]) -> Profile | None:
    """Return one profile of all that was taken; ``None`` if nothing was."""
    steps = {key: step for each in all_taken for key, step in each.profile.steps.items()}
    return replace(all_taken[0].profile, steps=steps) if steps else None


def told(all_taken: Sequence[Taken], used: Mapping[str, str]) -> Iterator[str]:
    """Say whose profile was taken from where; ``used`` maps a model to the key of its step."""
    for each in all_taken:
        names = [name for name, key in used.items() if key in each.profile.steps]
        if names:
            when = f" of {each.began}" if each.began else ""
            yield f"profile of {', '.join(names)} taken from study {each.study}{when}"


def slower(was: Profile, now: Profile) -> dict[str, float]:
    """Return the steps that take other times than they did: key -> how many times longer."""
    found = {}
    for key, step in was.steps.items():
        if key in now.steps:
            ratio = _ratio(by_rows(step.timings), by_rows(now.steps[key].timings))
            if not 1 / APART < ratio < APART:
                found[key] = ratio
    return found


Sizes = Mapping[int, tuple[float, float]]


def _ratio(was: Sizes, now: Sizes) -> float:
    """Return how many times longer batches take whose size was seen both times."""
    both = was.keys() & now.keys()
    before = sum(now[rows][0] * was[rows][1] for rows in both)
    after = sum(now[rows][0] * now[rows][1] for rows in both)
    return after / before if before else 1.0
