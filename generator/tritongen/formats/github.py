"""Findings as workflow commands of GitHub Actions, which marks them in the changed files."""

from collections.abc import Mapping, Sequence

from tritongen.records.finding import Finding

LEVELS: Mapping[str, str] = {"error": "error", "warning": "warning", "note": "notice"}


def github(findings: Sequence[Finding]) -> str:
    """Return one command per line."""
    return "".join(f"{_command(finding)}\n" for finding in findings)


def _command(finding: Finding) -> str:
    properties = {"title": finding.code}
    if finding.place:
        place = finding.place
        properties = {"file": place.file, "line": str(place.line), "col": str(place.column)} | (
            properties
        )
    said = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    lines = (finding.message, finding.why, finding.fix and f"fix: {finding.fix}")
    text = _escaped("\n".join(line for line in lines if line))
    return f"::{LEVELS[finding.severity]} {said}::{text}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
