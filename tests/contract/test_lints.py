"""Every lint is in the table under its number, and its docstring is a page."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tritongen.cli.check import titles
from tritongen.parts import lints
from tritongen.parts.lints import LINTS
from tritongen.stages.adopt.findings import TABLE as ADOPT
from tritongen.stages.load.codes import CODES
from tritongen.stages.probe.mistakes import TABLE as PROBE
from tritongen.stages.resolve.refusals import LOAD_TABLE
from tritongen.stages.resolve.refusals import TABLE as WIRING
from tritongen.stages.resolve.tuning import TUNE_TABLE as TUNING

FILES = sorted(path.stem for path in Path(lints.__file__ or "").parent.glob("[!_]*.py"))


def test_every_module_of_the_folder_is_in_the_table() -> None:
    listed = sorted(lint.__name__.rpartition(".")[2] for lint in LINTS.values())  # type: ignore[attr-defined]
    assert listed == FILES


@pytest.mark.parametrize("code", LINTS)
def test_a_lint_is_named_by_its_number_and_explained(code: str) -> None:
    lint = LINTS[code]
    name = lint.__name__.rpartition(".")[2]  # type: ignore[attr-defined]
    assert re.fullmatch(rf"{code.lower()}_[a-z_]+", name)
    title, _, page = (lint.__doc__ or "").partition("\n\n")
    assert title.endswith(".")
    assert len(page.split()) > 15, "the page says what it means, why it matters, the ways out"
    assert lint.SEVERITY in ("error", "warning", "note")


def test_a_code_is_given_once() -> None:
    tables = (LINTS, [code.code for code in CODES], PROBE, WIRING, LOAD_TABLE, TUNING)
    counted = Counter(code for table in tables for code in table)
    assert [code for code, count in counted.items() if count > 1] == []
    assert set(titles()) == set(counted)
    assert not {*ADOPT} & {*counted}


def test_the_table_is_in_order() -> None:
    assert list(LINTS) == sorted(LINTS)
