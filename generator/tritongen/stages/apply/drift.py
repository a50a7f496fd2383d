"""Says how the user's folder differs from what the spec gives: for ``--check`` and ``--diff``."""

import difflib
from collections.abc import Sequence
from pathlib import Path

from tritongen.records.tree import Change, Copy, Tree
from tritongen.stages.apply.refusal import refusing
from tritongen.stages.apply.state import manifest_change, read_manifest


def drift(changes: Sequence[Change], root: Path, tree: Tree) -> tuple[Change, ...]:
    """Return the changes of ``diff`` that mean drift, the manifest's own among them.

    A placed file that is not there is none while the manifest has its hash: weights of others are
    not checked in, and ``build`` places them.
    """
    with refusing(root):
        files = read_manifest(root).files
        manifest = manifest_change(changes, root, tree)

    def is_drift(change: Change) -> bool:
        if change.action == "create" and isinstance(change.entry, Copy):
            owned = files.get(change.path)
            return owned is None or owned.sha256 != change.entry.sha256
        return change.action != "keep"

    return (*filter(is_drift, changes), *([manifest] if manifest else []))


def unified(change: Change) -> str:
    """Return the text of ``--diff`` for one change, empty for ``keep``; weights are one line."""
    if change.action == "keep":
        return ""
    if isinstance(change.entry, Copy):
        size_mb = change.entry.size_bytes / 1e6
        return f"{change.action} {change.path}: {size_mb:.1f} MB, sha256 {change.entry.sha256}\n"
    if change.before is None and change.after is None:
        size = f": {change.seen.size_bytes / 1e6:.1f} MB" if change.seen else ""
        return f"{change.action} {change.path}{size}\n"
    lines = difflib.unified_diff(
        (change.before or "").splitlines(keepends=True),
        (change.after or "").splitlines(keepends=True),
        fromfile="/dev/null" if change.before is None else f"a/{change.path}",
        tofile="/dev/null" if change.after is None else f"b/{change.path}",
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
