"""Makes Grafana's password, once: it stands in ``.env`` beside the stack and is nobody else's.

The file belongs to the user from then on. It is never written again, never generated from the spec
and in no manifest; Git is told to ignore it.
"""

import os
import secrets
from pathlib import Path

from tritongen.errors import HostError
from tritongen.records.paths import ENV_FILE
from tritongen.records.stack import GRAFANA_PASSWORD

IGNORE = ".gitignore"
BYTES = 18
HEAD = (
    "# For docker compose, on this machine only: written once by `tritongen build`, yours from now."
)


def make_password(root: Path) -> bool:
    """Write ``.env`` below ``root``, for its owner only, if nothing is there; tell whether it was.

    Raises:
        HostError: it can't be written.
    """
    path = root / ENV_FILE
    if os.path.lexists(path):
        return False
    text = f"{HEAD}\n{GRAFANA_PASSWORD}={secrets.token_urlsafe(BYTES)}\n"
    try:
        _ignore(root)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123, it is open already
            file.write(text)
    except FileExistsError:
        return False  # another build was faster
    except OSError as error:
        fix = "make it writable, or set GRAFANA_PASSWORD where the stack is started"
        raise HostError(f"{path} cannot be written: {error.strerror}", fix=fix) from error
    return True


def _ignore(root: Path) -> None:
    """Let Git ignore the file, where ``root`` is in a repository that does not yet."""
    if not any(
        (folder / ".git").exists() for folder in (root.absolute(), *root.absolute().parents)
    ):
        return
    path = root / IGNORE
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    if not {ENV_FILE, f"/{ENV_FILE}"} & {line.strip() for line in lines}:
        with path.open("a", encoding="utf-8") as file:
            gap = "\n" if lines else ""
            file.write(f"{gap}# passwords of this machine, see {ENV_FILE}\n/{ENV_FILE}\n")
