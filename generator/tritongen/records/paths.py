"""Names below the folder that is built into."""

from typing import Final

REPOSITORY: Final = "model_repository"
"""The folder that Triton reads."""

LOADTESTS: Final = "loadtests"
"""The folder of the load program and of what it sends."""

STATE: Final = ".tritongen"
"""Only the manifest in it belongs to the project; the rest is this machine's."""

MANIFEST: Final = f"{STATE}/manifest.json"
"""Who owns which file, with hashes: checked in."""

LOCK: Final = f"{STATE}/lock"
"""Held with ``flock`` by the process that writes; its text is that process's id."""

JOURNAL: Final = f"{STATE}/journal.json"
"""An apply that is being finished."""

ROLLBACK: Final = f"{STATE}/rollback.json"
"""The journal of an apply that is being undone."""

STAGING: Final = f"{STATE}/staging"
"""New files on their way in (``new/``) and old ones on their way out (``old/``)."""

CACHE: Final = f"{STATE}/cache"
"""What is merely faster to remember than to find out again; may be deleted at any time."""

PLACED: Final = f"{CACHE}/files.json"
"""Size, modification time, inode and hash of each placed file, so that none is hashed twice."""

STAMP: Final = f"{CACHE}/stamp.json"
"""The files that the last build came from and led to, so that an unchanged one is not redone."""

RESULTS: Final = f"{STATE}/results"
"""What was measured: ``<load test>-<number>.json``."""

RUNS: Final = f"{STATE}/load"
"""Load tests while they run: scenario, log and feed of each."""

STUDIES: Final = f"{STATE}/tune"
"""Searches for the best setting: ``<spec>-<number>.jsonl``, and the server of the one that runs."""

ENV_FILE: Final = ".env"
"""Passwords for docker compose on this machine: written once by ``build``, never generated."""

RESERVED: Final = (MANIFEST, LOCK, JOURNAL, ROLLBACK, STAGING, CACHE)


def is_reserved(path: str) -> bool:
    """Tell whether ``path`` is one of these names, or lies below one."""
    return path == STATE or any(path == name or path.startswith(f"{name}/") for name in RESERVED)
