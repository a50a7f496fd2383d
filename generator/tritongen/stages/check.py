"""A plan's findings: what Triton would refuse or answer wrongly, and what is unwise."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from tritongen.parts.lints import LINTS
from tritongen.records.finding import Complaint, Edit, Finding, Severity
from tritongen.records.plan import Plan

COMMENT = re.compile(r"#\s*tritongen:\s*allow\s+(TG[0-9]{3})\s+(\S.*?)\s*$")
"""``# tritongen: allow TG204 the reason`` at the end of the line that a finding stands in."""

Allowed = Mapping[tuple[str, int, str], str]
"""The reason given for a code in a line of a file."""


def check(plan: Plan) -> tuple[Finding, ...]:
    """Run every lint; what an entry's ``allow:`` or a comment allows becomes a note."""
    complaints = [
        (code, lint.SEVERITY, complaint)
        for code, lint in LINTS.items()
        for complaint in lint.check(plan)
    ]
    allowed = _comments(plan.spec.files) if complaints else {}
    findings = [_finding(plan, *said, allowed) for said in complaints]
    return tuple(sorted(findings, key=lambda finding: (finding.place is None, finding.place)))


def _finding(
    plan: Plan, code: str, severity: Severity, complaint: Complaint, allowed: Allowed
) -> Finding:
    name = complaint.path[1] if len(complaint.path) > 1 else ""
    entry = plan.spec.models.get(str(name)) or plan.spec.ensembles.get(str(name))
    place = plan.places.of(*complaint.path)
    reason = entry.allow.get(code) if entry else None
    if place is not None:
        reason = allowed.get((place.file, place.line, code), reason)
    return Finding(
        code=code,
        severity="note" if reason else severity,
        place=place,
        message=complaint.message,
        why=f"allowed here: {reason}" if reason else complaint.why,
        fix="" if reason else complaint.fix,
        edit=_edit(plan, complaint) if not reason else None,
    )


def _edit(plan: Plan, complaint: Complaint) -> Edit | None:
    """Return the edit if the value was written just there, and not for others through an anchor."""
    if complaint.path not in plan.places.by_path or plan.places.shared(complaint.path):
        return None
    return complaint.edit


def _comments(files: Iterable[Path]) -> Allowed:
    """Return what the comments of the spec's files allow; YAML's reader does not keep them."""
    allowed = {}
    for file in files:
        text = file.read_text("utf-8-sig") if file.is_file() else ""
        for number, line in enumerate(text.splitlines(), 1) if "tritongen:" in text else ():
            if comment := COMMENT.search(line):
                allowed[str(file), number, comment[1]] = comment[2]
    return allowed
