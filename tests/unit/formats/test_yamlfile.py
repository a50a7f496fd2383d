"""YAML for other programs: what a YAML reader reads is what was written."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tritongen.formats.yamlfile import Commented, write

TEXT = st.text(max_size=30) | st.sampled_from(
    ["no", "on", "y", "~", "null", "0o17", "0x1f", "1_000", "1:30", ".5", "-", "=", "<<", "!x",
     "2024-01-01", "a: b", "a #b", "- a", "#", "| x", "multi\nline\n", "multi\n\nline", " lead",
     "trail ", "\ttab", "é", "\x85", "\u2028", "10s", "64m", "0b1", "1e3", "&a", "*a", "${A:?b}"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_what_is_written_is_read_back(value: dict[str, Any]) -> None:
    assert yaml.safe_load(write(value)) == value


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(TEXT, VALUES, min_size=1, max_size=3), st.text(max_size=40))
def test_comments_change_nothing(value: dict[str, Any], comment: str) -> None:
    commented = Commented(value, dict.fromkeys(value, comment))
    assert yaml.safe_load(write(commented, head=comment)) == value


@pytest.mark.parametrize("word", ["no", "Off", "y", "NULL", "0o17", "012", "1:30", "1e3", ".inf"])
def test_what_some_reader_takes_for_something_else_is_in_quotes(word: str) -> None:
    assert write({"key": word}) == f'key: "{word}"\n'
    assert write({"key": [word]}) == f'key: ["{word}"]\n'


def test_short_lists_share_a_line_and_long_ones_do_not() -> None:
    assert write({"a": ["x", 1, True]}) == "a: [x, 1, true]\n"
    long = [f"word{number}" * 4 for number in range(10)]
    assert write({"a": long}) == "a:\n" + "".join(f"  - {each}\n" for each in long)


def test_what_programs_read_as_text_stands_without_quotes() -> None:
    written = write(
        {"image": "redis:7.4.1", "t": "10s", "path": "/a/b.c", "why": "It is so, here."}
    )
    assert '"' not in written
