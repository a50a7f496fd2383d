"""What the YAML writer writes is short, and is read back as it was meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tritongen.formats.yaml import Block, Value, entry
from tritongen.stages.load.compose import compose
from tritongen.stages.load.keys import plain
from tritongen.stages.load.report import Report
from tritongen.stages.load.settle import settle

TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["", "null", "~", "<<", "-", "- a", "-1", "--", "---", "...", "a: b", "a:", "a #b", "#",
     "${x}",
     "$${", "$", "a\nb\n", "a\n\n  b", "\na", "a\n\n", " a", "a ", "é", "\u2028", "\ufeff",
     "?x", "x?",
     "[a", "a]", "a,b", "&a", "*a", "!a", "|", ">", "%a", "@a", "`a", "'", '"', "\\", "=", "\x7f"]
)  # fmt: skip
VALUES = st.recursive(
    TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(TEXTS, inner, max_size=4)
        | st.dictionaries(TEXTS, inner, max_size=4).map(Block)
    ),
    max_leaves=12,
)


@given(key=TEXTS, value=VALUES, comment=st.sampled_from(["", "why", "w" * 90]))
def test_any_value_is_read_back(key: str, value: Value, comment: str) -> None:
    lines = entry("top", Block({key: value}, {key: comment}))
    report = Report()
    root = compose(report, "\n".join(lines) + "\n", "spec.yaml")
    assert root is not None
    read = plain(settle(report, root, {}))
    assert report.findings == []
    assert read == {"top": {key: _plain(value)}}


def _plain(value: Value) -> object:
    if isinstance(value, str):
        return value
    if isinstance(value, Block):
        return _plain(value.values)
    if hasattr(value, "items"):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value]


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("0.90", ["k: 0.90"]),
        ("no", ["k: no"]),
        ("a/b:0", ["k: a/b:0"]),
        ("Merchant City", ["k: Merchant City"]),
        ("FP32[3,224,224]", ["k: FP32[3,224,224]"]),
        (["FP32[1]", "a"], ['k: ["FP32[1]", a]']),
        ("${x}", ["k: $${x}"]),
        ("", ['k: ""']),
        ("if x:\n    y\n", ["k: |", "  if x:", "      y"]),
        ({}, ["k: {}"]),
        ({"a": "1", "b": ["2"]}, ["k: {a: 1, b: [2]}"]),
        (Block({"a": "1"}, {"a": "why"}), ["k:", "  a: 1  # why"]),
        (["a", {"b": "c"}], ["k:", "  - a", "  - {b: c}"]),
        ({"a": "x" * 60, "b": "y" * 60}, ["k:", "  a: " + "x" * 60, "  b: " + "y" * 60]),
    ],
)
def test_it_is_written_as_a_person_would(value: Value, lines: list[str]) -> None:
    assert entry("k", value) == lines


def test_a_long_comment_stands_above() -> None:
    assert entry("k", "v", indent=2, comment="c" * 95) == [f"  # {'c' * 95}", "  k: v"]
