"""Moves staged files into place, or everything back: the same outcome however often it starts.

An apply is a list of steps, each of which puts a file or takes one away. ``staging/new/3`` is what
step 3 puts, ``staging/old/3`` what it replaced. Whether a step is done can be read off the disk,
so nothing is written while they run. A file that somebody changed since it was compared is left
as it is, in both directions.
"""

import errno
import json
import shutil
import stat
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tritongen.records.paths import MANIFEST, STAGING, is_reserved
from tritongen.records.tree import Seen, check_path
from tritongen.stages.apply.disk import Disk, is_same, lstat, parent, parents, see

NEW = f"{STAGING}/new"
OLD = f"{STAGING}/old"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One file: what stood there (``None``: nothing) and what will (``None``: nothing)."""

    path: str
    before: Seen | None
    after: Seen | None


@dataclass(frozen=True, kw_only=True)
class Journal:
    """The steps in order, the folders that they make, and those that may end up empty and go."""

    steps: tuple[Step, ...]
    made: frozenset[str]
    emptied: frozenset[str]

    def to_text(self) -> str:
        """Return its JSON."""
        steps = [asdict(step) for step in self.steps]
        return json.dumps(
            {"steps": steps, "made": sorted(self.made), "emptied": sorted(self.emptied)}
        )


def parse_journal(text: str) -> Journal:
    """Read a journal; raises ``ValueError`` if it is none, or leads out of its folder."""
    try:
        raw = json.loads(text)
        steps = tuple(
            Step(path=step["path"], before=_seen(step["before"]), after=_seen(step["after"]))
            for step in raw["steps"]
        )
        journal = Journal(
            steps=steps, made=frozenset(raw["made"]), emptied=frozenset(raw["emptied"])
        )
        for path in (*(step.path for step in steps), *journal.made, *journal.emptied):
            check_path(path)
            if is_reserved(path) and path != MANIFEST:
                raise ValueError(f"{path!r} can never be a generated file")
    except (TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"not a journal: {error}") from None
    return journal


def _seen(raw: dict[str, object] | None) -> Seen | None:
    return None if raw is None else Seen(**raw)  # type: ignore[arg-type]


def forward(root: Path, journal: Journal) -> None:
    """Do every step that is not done yet."""
    disk = Disk(root)
    for number, step in enumerate(journal.steps):
        if disk.obstacle(step.path):
            continue
        new, old, target = _names(root, number, step)
        if step.after is None:
            if is_as(target, step.before):
                target.replace(old)
            _remove_empty(root, step.path, journal.emptied)
        elif lstat(new) is not None and is_as(target, step.before):
            if step.before is None:
                target.parent.mkdir(parents=True, exist_ok=True)
            else:
                _keep(target, old)
            new.replace(target)


def back(root: Path, journal: Journal) -> None:
    """Undo every step that is done."""
    disk = Disk(root)
    for number, step in reversed(tuple(enumerate(journal.steps))):
        if disk.obstacle(step.path):
            continue
        new, old, target = _names(root, number, step)
        if step.after is None:
            if lstat(old) is not None and lstat(target) is None:
                target.parent.mkdir(parents=True, exist_ok=True)
                old.replace(target)
        else:
            if lstat(new) is None and is_as(target, step.after):
                if step.before is None:
                    target.unlink()
                else:
                    old.replace(target)
            _remove_empty(root, step.path, journal.made)


def touched_folders(root: Path, journal: Journal) -> Iterator[Path]:
    """Yield the folders whose entries the steps change, as far as they exist."""
    touched = {parent(step.path) for step in journal.steps}
    touched |= {parent(folder) for folder in journal.made | journal.emptied}
    return (folder for path in sorted(touched) if (folder := root / path).is_dir())


def is_as(path: Path, seen: Seen | None) -> bool:
    """Tell whether ``path`` is the file that was ``seen``; ``None`` is nothing at all."""
    status = lstat(path)
    if status is None or seen is None:
        return status is None and seen is None
    if not stat.S_ISREG(status.st_mode):
        return False
    return is_same(seen, status) or (
        status.st_size == seen.size_bytes and see(path).sha256 == seen.sha256
    )


def _names(root: Path, number: int, step: Step) -> tuple[Path, Path, Path]:
    return root / NEW / str(number), root / OLD / str(number), root / step.path


def _keep(target: Path, old: Path) -> None:
    """Give ``target`` a second name, so that there is no moment without a file."""
    if lstat(old) is not None:
        return
    try:
        old.hardlink_to(target)
    except OSError:  # exFAT and some network file systems have no hard links
        part = old.with_suffix(".part")
        shutil.copy2(target, part)
        part.replace(old)


def _remove_empty(root: Path, path: str, removable: Collection[str]) -> None:
    """Remove the folders above ``path`` that are empty, as far up as they may go."""
    for folder in parents(path):
        if folder not in removable:
            return
        try:
            (root / folder).rmdir()
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY):
                return
            raise
