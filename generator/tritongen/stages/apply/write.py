"""Applies changes all or nothing, and finishes or undoes an apply that was interrupted.

1. Everything new is written to ``.tritongen/staging`` and flushed. Until here nothing happened.
2. The journal appears, by one rename. From here on whoever comes next finishes the work.
3. The steps of the journal run: renames into place, deletions, the manifest last.
4. The journal goes. If a step fails, the journal is renamed to ``rollback.json`` and undone.
"""

import errno
import os
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from tritongen.errors import ConflictError, HostError, SpecError
from tritongen.records.paths import JOURNAL, ROLLBACK, STAGING, STATE
from tritongen.records.tree import Change, Copy, Entry, Text, Tree
from tritongen.stages.apply.disk import Disk, lstat, parents, read
from tritongen.stages.apply.journal import (
    NEW,
    OLD,
    Journal,
    Step,
    back,
    forward,
    is_as,
    parse_journal,
    touched_folders,
)
from tritongen.stages.apply.lock import locked
from tritongen.stages.apply.place import stage, write
from tritongen.stages.apply.refusal import refusing
from tritongen.stages.apply.state import check_root, manifest_change, remember_placed

FLUSHERS = 8  # the kernel joins flushes that wait at the same time; more of them gain nothing

Outcome = Literal["clean", "forward", "back"]


def apply(changes: Sequence[Change], root: Path, tree: Tree) -> bool:
    """Write ``changes``, which ``diff`` made of ``tree`` and ``root``; tell if anything was new.

    Raises ``ConflictError`` naming every conflict, or every file that changed since ``diff`` saw
    it, and ``HostError`` where the machine refuses (disk full, no permission, a source that is
    gone, another tritongen at work); ``root`` is then as it was.
    """
    _refuse_conflicts(changes)
    needs_bytes = sum(_size_bytes(change.entry) for change in changes if change.action != "keep")
    with refusing(root, needs_bytes=needs_bytes):
        check_root(root)
        pending = _pending(changes, root, tree)
        placed = {
            change.path: change.seen
            for change in changes
            if change.action == "keep" and change.seen is not None
        }
        if pending:
            with locked(root):
                _finish(root)
                pending = _pending(changes, root, tree)
                _refuse_stale(pending, root)
                _refuse_same_names(root, tree, pending)
                _refuse_long_names(root, pending)
                journal = _write(pending, root, tree)
            placed |= {
                step.path: step.after
                for step in journal.steps
                if step.after is not None and isinstance(tree.entries.get(step.path), Copy)
            }
        remember_placed(root, placed)
        return bool(pending)


def recover(root: Path) -> Outcome:
    """Finish or undo what an interrupted apply left; call it before ``root`` is read or written.

    Returns ``forward`` if that brought the files to what they are after that apply, ``back`` to
    what they were before it, ``clean`` if no file had to change. Raises ``HostError`` while another
    process is writing.
    """
    leftovers = (JOURNAL, ROLLBACK, STAGING)
    with refusing(root):
        check_root(root)
        if all(lstat(root / name) is None for name in leftovers):
            return "clean"
        with locked(root):
            return _finish(root)


def _pending(changes: Sequence[Change], root: Path, tree: Tree) -> tuple[Change, ...]:
    """Return what there is to do, in its order: what makes room, what is new, what goes, manifest.

    A new file comes before an old one goes, so that a model is never without a version.
    """
    manifest = manifest_change(changes, root, tree)
    arrivals = [change for change in changes if change.action in ("create", "update")]
    taken = {change.path for change in arrivals}
    taken_folders = {folder for path in taken for folder in parents(path)}
    departures = [change for change in changes if change.action == "delete"]

    def is_in_the_way(change: Change) -> bool:
        return change.path in taken_folders or not taken.isdisjoint(parents(change.path))

    first = [change for change in departures if is_in_the_way(change)]
    last = [change for change in departures if not is_in_the_way(change)]
    return (*first, *arrivals, *last, *([manifest] if manifest else []))


def _write(pending: Sequence[Change], root: Path, tree: Tree) -> Journal:
    try:
        journal = _stage(pending, root, tree)
        _commit(root, journal)
    except BaseException:
        try:
            _finish(root)
        except OSError as stuck:
            raise HostError(
                f"writing to {root} failed, and undoing it failed too: {stuck}",
                why="what is left to undo is in .tritongen/, and every command tries it first",
                fix="make the folder writable, then run the command again",
            ) from stuck
        raise
    return journal


def _stage(pending: Sequence[Change], root: Path, tree: Tree) -> Journal:
    (root / NEW).mkdir(parents=True)
    (root / OLD).mkdir()
    steps = []
    for number, change in enumerate(pending):
        after = stage(change.entry, root / NEW / str(number)) if change.entry else None
        steps.append(Step(path=change.path, before=change.seen, after=after))
    _flush(root / NEW / str(number) for number, step in enumerate(steps) if step.after)
    _flush([root / NEW])
    needed = {folder for path in tree.entries for folder in parents(path)}
    departing = [step.path for step in steps if step.after is None]
    disk = Disk(root, leaving=departing)
    made = {folder for step in steps if step.after for folder in disk.missing_folders(step.path)}
    emptied = {folder for path in departing for folder in parents(path)} - needed
    return Journal(steps=tuple(steps), made=frozenset(made), emptied=frozenset(emptied))


def _commit(root: Path, journal: Journal) -> None:
    draft = root / STAGING / "journal"
    write(journal.to_text().encode(), draft)
    _flush([draft])
    draft.replace(root / JOURNAL)
    _flush([root / STATE])
    try:
        _run(root, journal)
    except BaseException:
        if lstat(root / JOURNAL) is not None:
            (root / JOURNAL).rename(root / ROLLBACK)
        raise
    _wipe(root)


def _run(root: Path, journal: Journal) -> None:
    forward(root, journal)
    _flush(touched_folders(root, journal))
    (root / JOURNAL).unlink()


def _finish(root: Path) -> Outcome:
    """Roll forward what has a journal, or back if that fails; without one nothing had begun."""
    for name in (STAGING, NEW, OLD):
        if (root / name).is_symlink():
            (root / name).unlink()
    outcome: Outcome = "clean"
    if lstat(root / JOURNAL) is not None:
        try:
            _run(root, _read_journal(root, JOURNAL))
            outcome = "forward"
        except OSError:
            (root / JOURNAL).rename(root / ROLLBACK)
    if lstat(root / ROLLBACK) is not None:
        journal = _read_journal(root, ROLLBACK)
        back(root, journal)
        _flush(touched_folders(root, journal))
        (root / ROLLBACK).unlink()
        outcome = "back"
    _wipe(root)
    return outcome


def _wipe(root: Path) -> None:
    if lstat(root / STAGING) is not None:
        shutil.rmtree(root / STAGING)


def _read_journal(root: Path, name: str) -> Journal:
    try:
        return parse_journal(read(os.fspath(root / name))[1].decode())
    except ValueError as error:
        raise SpecError(
            f"{root / name} cannot be used: {error}",
            why="it says how to finish an interrupted build",
            fix=f"delete {root / name} and build again",
        ) from error


def _refuse_conflicts(changes: Sequence[Change]) -> None:
    conflicts = [change for change in changes if change.action == "conflict"]
    if conflicts:
        raise ConflictError(
            "\n".join(f"{change.path}: {change.reason}" for change in conflicts),
            why="tritongen replaces and deletes only what it wrote; nothing was changed",
            fix="move your edits into the spec (--diff shows them) or the files out of the way; "
            "--force gives up edits in generated files",
        )


def _refuse_stale(pending: Sequence[Change], root: Path) -> None:
    """Refuse if a file is no longer what ``diff`` saw, so that no edit is lost in between."""
    disk = Disk(root, leaving=[change.path for change in pending if change.action == "delete"])
    changed = [
        change.path
        for change in pending
        if disk.obstacle(change.path)
        or not (
            is_as(root / change.path, change.seen)
            or (change.seen is None and (root / change.path).is_dir())
        )
    ]
    if changed:
        raise ConflictError(
            "changed while tritongen was building: " + ", ".join(changed),
            why="nothing was written",
            fix="build again once nothing else writes there",
        )


def _refuse_same_names(root: Path, tree: Tree, pending: Sequence[Change]) -> None:
    """Refuse names that differ only in case where the file system takes them for one."""
    if not (root / STATE.upper()).exists():
        return
    by_folded: dict[str, str] = {}
    for path in sorted({*tree.entries, *(change.path for change in pending)}):
        for name in (path, *parents(path)):
            other = by_folded.setdefault(name.casefold(), name)
            if other != name:
                raise HostError(
                    f"{other} and {name} are the same file on the file system of {root}",
                    why="it does not tell upper case from lower case",
                    fix="rename one, or build on another file system with -o",
                )


def _refuse_long_names(root: Path, pending: Sequence[Change]) -> None:
    """Refuse a name longer than the file system takes.

    In a folder that is not there yet nothing looked at the name before, and once the journal
    stands such a step could be neither done nor undone.
    """
    longest_bytes = os.pathconf(root, "PC_NAME_MAX")
    for change in pending:
        if any(len(os.fsencode(name)) > longest_bytes for name in change.path.split("/")):
            where = os.fspath(root / change.path)
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), where)


def _size_bytes(entry: Entry | None) -> int:
    if entry is None:
        return 0
    return len(entry.text.encode()) if isinstance(entry, Text) else entry.size_bytes


def _flush(paths: Iterable[Path]) -> None:
    """Wait until these files and folders are on the disk itself."""
    with ThreadPoolExecutor(FLUSHERS) as flushers:
        for _ in flushers.map(_fsync, paths):
            pass


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot flush a folder
            raise
    finally:
        os.close(descriptor)
