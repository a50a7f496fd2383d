"""What the terminal shows: results on stdout, messages on stderr, quiet when piped."""

import json
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.highlighter import NullHighlighter
from rich.text import Text

from tritongen import __version__
from tritongen.errors import EngineError, SpecError, TritongenError
from tritongen.records.finding import Finding

console = Console(highlighter=NullHighlighter(), soft_wrap=True)
"""Results."""

messages = Console(stderr=True, highlighter=NullHighlighter(), soft_wrap=True)
"""Everything else: findings, progress, errors."""

MOST_FINDINGS = 100

STYLES = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}


def show_json(value: Any) -> None:
    """Write a value to stdout for a program to read."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def finding_text(finding: Finding) -> Text:
    """Lay out one finding: place, code, severity, message, then why and fix below."""
    place = f"{finding.place}  " if finding.place else ""
    text = Text.assemble(
        (place, "bold"),
        (finding.code, "cyan"),
        " ",
        (finding.severity, STYLES[finding.severity]),
        "  ",
        finding.message,
    )
    return _below(text, finding.why, finding.fix)


def show_findings(findings: Sequence[Finding]) -> None:
    """Write findings to stderr in the order given, and how many there were of each severity."""
    for finding in findings[:MOST_FINDINGS]:
        messages.print(finding_text(finding))
    if len(findings) > MOST_FINDINGS:
        more = f"and {len(findings) - MOST_FINDINGS} more; check --json shows all"
        messages.print(Text(more, style="dim"))
    if findings:
        counts = dict.fromkeys(STYLES, 0)
        for finding in findings:
            counts[finding.severity] += 1
        messages.print(Text(", ".join(_plural(n, s) for s, n in counts.items() if n), style="dim"))


def show_error(error: TritongenError) -> None:
    """Write a refusal to stderr: its findings, or its message, why, fix and last log lines."""
    if isinstance(error, SpecError) and error.findings:
        show_findings(error.findings)
        return
    text = Text.assemble(("error", STYLES["error"]), "  ", error.message)
    messages.print(_below(text, error.why, error.fix))
    if isinstance(error, EngineError) and error.log:
        messages.print(Text("    log", style="dim"))
        for line in error.log:
            messages.print(Text(f"        {line}", style="dim"))


def report_bug(error: Exception) -> None:
    """Say in one line that this is our mistake, and leave a report that can go into an issue."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="tritongen-report-", suffix=".txt", delete=False, encoding="utf-8"
    ) as report:
        report.write(f"tritongen {__version__}, Python {platform.python_version()}, ")
        report.write(f"{platform.platform()}\ncommand: {' '.join(sys.argv)}\n\n")
        report.writelines(traceback.format_exception(error))
    messages.print(
        Text.assemble(
            ("bug", STYLES["error"]),
            f"  {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}\n",
            f"    fix  this is a mistake in tritongen; please report it with {report.name}",
        )
    )


def relative(path: Path) -> str:
    """Return a path as a person in the current folder would type it."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _below(text: Text, why: str, fix: str) -> Text:
    for label, value in (("why", why), ("fix", fix)):
        if value:
            lines = value.splitlines()
            text.append(f"\n    {label}  ", style="dim")
            text.append(("\n" + " " * 9).join(lines))
    return text


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
