"""A study on disk: one line for each thing that happened, the moment it did."""

import json
import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tritongen.errors import HostError, SpecError
from tritongen.records.profile import Profile
from tritongen.records.study import Conclusion, Space, Study, Trial

FORMAT = 1
TRIAL = b'{"trial":'


class Journal:
    """The lines of a study. A line that was not finished when the power went is not there."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, study: Study) -> None:
        """Write the first line.

        Raises:
            HostError: it can't be written.
        """
        self._add({"study": {"format": FORMAT, **_plain(replace(study, trials=()))}})

    def space(self, space: Space) -> None:
        """Write what may move, once it is known."""
        self._add({"space": _plain(space)})

    def trial(self, trial: Trial) -> None:
        """Write a trial that ended."""
        self._add({"trial": _plain(trial)})

    def profile(self, profile: Profile) -> None:
        """Write what was learned of the steps, for other studies to take."""
        self._add({"profile": _plain(profile)})

    def note(self, text: str) -> None:
        """Write what a reader should know."""
        self._add({"note": text})

    def conclude(self, conclusion: Conclusion) -> None:
        """Write what was found; a study that goes on is concluded again."""
        self._add({"conclusion": _plain(conclusion)})

    def _add(self, line: dict[str, Any]) -> None:
        text = json.dumps(line, separators=(",", ":"), default=str) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            cut = _unfinished(self.path)
            with self.path.open("ab") as file:
                file.truncate(file.tell() - cut if cut else file.tell())
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise HostError(
                f"the journal {self.path} can't be written: {error.strerror}",
                fix="make room there; the study goes on with --resume",
            ) from error


@cache
def _adapter(kind: Any) -> Any:
    return TypeAdapter(kind)  # made in longer than a trial takes to be written


def _plain(record: Any) -> dict[str, Any]:
    kind: Any = type(record)
    dumped: dict[str, Any] = _adapter(kind).dump_python(record, mode="json")
    return dumped


def _unfinished(path: Path) -> int:
    """Return how many bytes at the end of a file are a line that was not finished."""
    if not path.exists():
        return 0
    data = path.read_bytes()
    return len(data) - (data.rfind(b"\n") + 1)


def read_study(path: Path, *, trials: bool = True) -> Study:
    """Read a journal; without its ``trials`` that is quick.

    Raises:
        SpecError: there is none, or it is something else.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SpecError(f"{path}: {error.strerror}", fix="name the journal of a study") from error
    lines = data.split(b"\n")[:-1]  # what stands behind the last line end was not finished
    study: Study | None = None
    for number, line in enumerate(lines, 1):
        if line.startswith(TRIAL) and not trials:
            continue
        try:
            study = _after(study, json.loads(line))
        except (ValueError, ValidationError, KeyError, TypeError) as error:
            raise SpecError(
                f"{path}:{number} is no line of a study", why=str(error), fix="name another file"
            ) from error
    if study is None:
        raise SpecError(f"{path} holds no study", fix="begin it anew, without --resume")
    return study


def _after(study: Study | None, line: dict[str, Any]) -> Study:
    if study is None:
        said = line["study"]
        if said.pop("format") != FORMAT:
            raise ValueError(f"it is of another version, read here is {FORMAT}")
        begun: Study = _adapter(Study).validate_python(said)
        return begun
    if "space" in line:
        return replace(study, space=_adapter(Space).validate_python(line["space"]))
    if "trial" in line:
        trial = _adapter(Trial).validate_python(line["trial"])
        return replace(study, trials=(*study.trials, trial), conclusion=None)
    if "profile" in line:
        return replace(study, profile=_adapter(Profile).validate_python(line["profile"]))
    if "note" in line:
        return replace(study, notes=(*study.notes, str(line["note"])))
    conclusion = _adapter(Conclusion).validate_python(line["conclusion"])
    return replace(study, conclusion=conclusion)
