"""Reads a ``config.pbtxt``: the configuration, or every mistake in it that can be found."""

import re
from pathlib import Path

from tritongen.records.finding import Finding, Place
from tritongen.records.messages import ModelConfig
from tritongen.records.scalars import quote
from tritongen.stages.adopt.attempt import Stop
from tritongen.stages.adopt.findings import finding
from tritongen.stages.adopt.repairs import mistakes, parse

PLACEHOLDER = re.compile(r"(?<!\$)\$\{\w+\}|\{\{.*?\}\}")
LARGEST_BYTES = 16 << 20


def read_config(file: Path) -> tuple[ModelConfig | None, list[Finding]]:
    """Return a file's configuration (``None`` if it can't be parsed) and what is to say of it."""
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST_BYTES + 1)
    except OSError as error:
        message = f"config.pbtxt can't be read: {error.strerror}"
        return None, [finding("TG070", message, file, fix="check the file and its permissions")]
    if len(data) > LARGEST_BYTES or b"\0" in data:
        what = "larger than 16 MiB" if len(data) > LARGEST_BYTES else "not a text file"
        return None, [finding("TG070", f"config.pbtxt is {what}", file, fix="check the file")]
    # Bytes that are no UTF-8 do no harm in a comment, so only text that is kept is judged.
    text = data.decode("utf-8", "surrogateescape")
    config = parse(text)
    if isinstance(config, Stop):
        return None, mistakes(file, text)
    return config, _placeholders(file, text)


def _placeholders(file: Path, text: str) -> list[Finding]:
    """Note what looks like a placeholder that nobody filled in; as text it is kept."""
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        for match in PLACEHOLDER.finditer(line.partition("#")[0]):
            place = Place(file=str(file), line=number, column=match.start() + 1)
            message = f"the placeholder {quote(match[0])} stands in a text, and is kept as it is"
            fix = f"write ${match[0]} as it is in the spec, or {match[0]} to fill it in at build"
            if match[0].startswith("{{"):
                fix = "fill the template in before importing, if it is one"
            found.append(finding("TG071", message, place, severity="note", fix=fix))
    return found
