"""A plan's findings: what Triton would refuse or answer wrongly, and what is unwise."""

from tritongen.parts.lints import LINTS
from tritongen.records.finding import Complaint, Finding, Severity
from tritongen.records.plan import Plan


def check(plan: Plan) -> tuple[Finding, ...]:
    """Run every lint; what an entry's ``allow:`` names becomes a note with the reason given."""
    findings = [
        _finding(plan, code, lint.SEVERITY, complaint)
        for code, lint in LINTS.items()
        for complaint in lint.check(plan)
    ]
    return tuple(sorted(findings, key=lambda finding: (finding.place is None, finding.place)))


def _finding(plan: Plan, code: str, severity: Severity, complaint: Complaint) -> Finding:
    name = complaint.path[1] if len(complaint.path) > 1 else ""
    entry = plan.spec.models.get(str(name)) or plan.spec.ensembles.get(str(name))
    reason = entry.allow.get(code) if entry else None
    return Finding(
        code=code,
        severity="note" if reason else severity,
        place=plan.places.of(*complaint.path),
        message=complaint.message,
        why=f"allowed here: {reason}" if reason else complaint.why,
        fix="" if reason else complaint.fix,
    )
