"""Turns a path into text: every way in which a file cannot be read is a finding."""

from pathlib import Path

from tritongen.records.finding import Place
from tritongen.records.scalars import quote
from tritongen.stages.load.codes import ENCODING, FILE
from tritongen.stages.load.report import Report

LIMIT_BYTES = 64 * 2**20
"""More than any spec; it bounds what a device file or a log given by mistake can do."""


def read(report: Report, path: Path, place: Place | None = None) -> str | None:
    """Return the text of a file without its byte order mark, or note why there is none.

    ``place`` is where the file was asked for; without it, findings stand in the file itself.
    """
    asked = place or Place(file=str(path), line=1, column=1)
    try:
        if place and path.exists() and not (path.is_file() or path.is_dir()):
            message = f"{quote(str(path))} is a pipe or a device, which may never end"
            report.add(FILE, asked, message, fix="give the path of a text file")
            return None
        with path.open("rb") as file:
            data = file.read(LIMIT_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        message, fix = _refusal(path, error)
        report.add(FILE, asked, message, fix=fix)
        return None
    if len(data) > LIMIT_BYTES:
        message = f"{quote(str(path))} is larger than {LIMIT_BYTES // 2**20} MiB"
        report.add(FILE, asked, message, fix="give the path of a text file")
        return None
    return _decode(report, path, data)


def _refusal(path: Path, error: OSError | ValueError) -> tuple[str, str]:
    shown = quote(str(path))
    if isinstance(error, FileNotFoundError):
        return f"there is no file {shown}", "check the path"
    if isinstance(error, IsADirectoryError):
        return f"{shown} is a folder, not a file", f"name the file in it: {path / 'spec.yaml'}"
    if isinstance(error, PermissionError):
        return f"{shown} may not be read by you", "give yourself the right to read it: chmod u+r"
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"{shown} cannot be read: {reason}", "check the path and the disk"


def _decode(report: Report, path: Path, data: bytes) -> str | None:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8-sig")) + 1
        report.add(
            ENCODING,
            Place(file=str(path), line=line, column=column),
            f"byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8",
            fix="save the file as UTF-8",
        )
        return None
