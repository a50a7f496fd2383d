"""The page about the report speaks of what stands in a report."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

from tritongen.records.measurement import Failures
from tritongen.stages.measure import read_measurement
from tritongen.stages.report import render_report

ROOT = Path(__file__).parents[2]


def test_what_is_explained_stands_in_a_report() -> None:
    measured = read_measurement(ROOT / "tests" / "unit" / "report" / "measurement.json")
    failure = Failures(kind="timeout", code="", message="no answer in 10 s", count=1)
    measured = replace(measured, total=replace(measured.total, failures=(failure,)))
    report = unescape(render_report(measured))
    page = (ROOT / "docs" / "how-to" / "read-a-load-report.md").read_text("utf-8")
    explained = re.findall(r"\*\*(.+?)\*\*", page)
    assert len(explained) > 15
    assert [name for name in explained if not re.search(rf">\s*{name}\b", report)] == []
