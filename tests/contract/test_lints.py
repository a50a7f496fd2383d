"""Every lint is in the table under its number, and its docstring is a page."""

import re
from pathlib import Path

import pytest

from tritongen.parts import lints
from tritongen.parts.lints import LINTS

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


def test_the_table_is_in_order() -> None:
    assert list(LINTS) == sorted(LINTS)
