"""Each lint finds what its failing cases hold, in these words, and nothing in its passing ones.

A file is a lint's: ``fails`` and ``passes`` list cases (``tritongen.testing.cases``); a failing
one ``finds`` messages, each with its line and column.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tritongen.parts.lints import LINTS
from tritongen.stages.check import check
from tritongen.testing.cases import plan_of

CASES = {
    path.stem: yaml.safe_load(path.read_text())
    for path in Path(__file__).parent.glob("lints/*.yaml")
}


def found(code: str, case: dict[str, Any], folder: Path) -> list[str]:
    findings = [finding for finding in check(plan_of(case, folder)) if finding.code == code]
    return [f"{str(f.place).removeprefix(f'{folder}/')} {f.message}" for f in findings]


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(code, case, id=f"{code}-{number}")
        for code, both in sorted(CASES.items())
        for number, case in enumerate(both[kind], 1)
    ]


@pytest.mark.parametrize(("code", "case"), cases("fails"))
def test_a_lint_finds(code: str, case: dict[str, Any], tmp_path: Path) -> None:
    assert [line.replace("\n", " ") for line in found(code, case, tmp_path)] == case["finds"]


@pytest.mark.parametrize(("code", "case"), cases("passes"))
def test_a_lint_lets_pass(code: str, case: dict[str, Any], tmp_path: Path) -> None:
    assert found(code, case, tmp_path) == []


def test_every_lint_has_failing_and_passing_cases() -> None:
    assert set(CASES) == set(LINTS)
    assert all(both["fails"] and both["passes"] for both in CASES.values())


def test_what_an_entry_allows_becomes_a_note_with_the_reason(tmp_path: Path) -> None:
    case = CASES["TG204"]["fails"][0]
    said = case["spec"].replace("  e:\n", "  e:\n    allow: {TG204: known and harmless}\n")
    (finding,) = check(plan_of({**case, "spec": said}, tmp_path))
    assert (finding.severity, finding.why) == ("note", "allowed here: known and harmless")


def test_a_comment_allows_a_finding_of_its_line_with_the_reason(tmp_path: Path) -> None:
    case = CASES["TG204"]["fails"][0]
    said = case["spec"].replace(
        "      - head", "      - head  # tritongen: allow TG204 as measured"
    )
    (finding,) = check(plan_of({**case, "spec": said}, tmp_path))
    assert (finding.severity, finding.why) == ("note", "allowed here: as measured")


@pytest.mark.parametrize("comment", ["allow TG206 another", "allow TG204", "allow TG204   "])
def test_a_comment_without_reason_or_for_another_finding_allows_nothing(
    comment: str, tmp_path: Path
) -> None:
    case = CASES["TG204"]["fails"][0]
    said = case["spec"].replace("      - head", f"      - head  # tritongen: {comment}")
    (finding,) = check(plan_of({**case, "spec": said}, tmp_path))
    assert finding.severity == "error"
