"""``check --fix`` edits what has one right answer, and nothing else of the text."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tritongen.cli import cli
from tritongen.errors import SpecError
from tritongen.records.finding import Edit, Finding, Place, only_near
from tritongen.stages.fix import fix

KEYS = ["alpha", "beta", "gamma", "delta"]


def finding(text: str, old: str, new: str | None = None) -> Finding:
    before = text[: text.index(old)]
    place = Place(
        file="spec.yaml", line=before.count("\n") + 1, column=len(before) - before.rfind("\n")
    )
    return Finding(
        code="TG009", severity="error", place=place, message="", edit=Edit(old=old, new=new)
    )


def fixed(text: str, old: str, new: str | None = None) -> str:
    return fix(text, [finding(text, old, new)])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: {x: 1, b: 2}  # c\n", "a: {x: 1}  # c\n"),
        ("a: {b: 2, x: 1}\n", "a: {x: 1}\n"),
        ("a: {b: 2}\n", "a: {}\n"),
        ("a:\n  b: 2\n", "a: {}\n"),
        ("a:\n  # why\n  b: 2\n", "a:\n  # why\n  {}\n"),
        ("a:\n  x: 1\n  b: 2  # two\n# end\n", "a:\n  x: 1\n# end\n"),
        ("a:\n  b:\n    - 1\n    - [2,\n       3]\n\n  # one\n  x: 1\n", "a:\n\n  # one\n  x: 1\n"),
        ("a:\n  b: |\n    text\n  x: 1\n", "a:\n  x: 1\n"),
        ("a: [x, b, c]\n", "a: [x, c]\n"),
        ("a: [x, b]\n", "a: [x]\n"),
        ("a:\n  - x\n  - b  # gone\n", "a:\n  - x\n"),
        ("a:\n  - b\n", "a: []\n"),
        ("a:\n  - b: 1\n    x: 2\n", "a:\n  - x: 2\n"),
        ("a:\n  x: 1\n  b: 2", "a:\n  x: 1\n"),
    ],
)  # fmt: skip
def test_an_entry_is_removed_with_its_line_and_nothing_else(before: str, after: str) -> None:
    assert fixed(before, "b") == after
    yaml.safe_load(after)


def test_a_name_keeps_its_quotes() -> None:
    assert fixed("a: {'bb': 1}\n", "bb") == "a: {'bb': 1}\n", "the place is that of the quote"
    text = "a: {'bb': 1}\n"
    place = Place(file="spec.yaml", line=1, column=5)
    edit = Finding(code="", severity="error", place=place, message="", edit=Edit("bb", "cc"))
    assert fix(text, [edit]) == "a: {'cc': 1}\n"


def test_what_is_not_what_the_edit_expects_is_left_alone() -> None:
    text = "a: {kind: '${KIND}'}\n"
    place = Place(file="spec.yaml", line=1, column=11)
    edit = Finding(code="", severity="error", place=place, message="", edit=Edit("cpus", "cpu"))
    assert fix(text, [edit]) == text


@given(
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(["1", "[1, 2]", "{x: 1}"]), min_size=1),
    st.booleans(),
    st.data(),
)
def test_removing_any_entry_removes_just_it(
    entries: dict[str, str], flow: bool, data: st.DataObject
) -> None:
    gone = data.draw(st.sampled_from(sorted(entries)))
    inside = (
        " {" + ", ".join(f"{key}: {value}" for key, value in entries.items()) + "}\n"
        if flow
        else "\n" + "".join(f"  {key}: {value}  # {key[0]}\n" for key, value in entries.items())
    )
    text = f"root:{inside}last: 1\n"
    expected = yaml.safe_load(text)
    del expected["root"][gone]
    assert yaml.safe_load(fixed(text, gone)) == expected


def test_a_word_between_two_likely_ones_is_not_decided() -> None:
    assert only_near("max_batchsize", ["max_batch_size", "model_warmup"]) == "max_batch_size"
    assert only_near("alpha_c", ["alpha_a", "alpha_b"]) in ("alpha_a", "alpha_b", None)
    assert only_near("abcd_x", ["abcdef", "abcdgh"]) is None


SPEC = """\
# top comment
modles:            # the models
  a:
    source: none
    max_batchsize: 8        # rows
    backend: mine
    input: {x: "FP32[1]"}
    instance_group: {kind: cpus, count: 2}   # two
    dynamic_batching:
      preferred_batch_size: [16]
    # keep me
    output: {y: "FP32[1]"}
ensembles:
  e:
    max_batch_size: 16
    instance_group: [{count: 1}]
    input: [x, z]
    steps: [{model: a, output: {y: out}}]
"""
FIXED = """\
# top comment
models:            # the models
  a:
    source: none
    max_batch_size: 8        # rows
    backend: mine
    input: {x: "FP32[1]"}
    instance_group: {kind: CPU, count: 2}   # two
    dynamic_batching: {}
    # keep me
    output: {y: "FP32[1]"}
ensembles:
  e:
    input: [x]
    steps: [{model: a, output: {y: out}}]
"""


def test_mistakes_behind_mistakes_are_fixed_and_the_difference_is_shown(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC, "utf-8")
    spec.chmod(0o640)
    run = CliRunner().invoke(cli, ["check", str(spec), "--fix"])
    assert run.exit_code == 0, run.output
    assert spec.read_text("utf-8") == FIXED
    assert spec.stat().st_mode & 0o777 == 0o640
    assert "-modles:" in run.stderr
    assert "+models:" in run.stderr
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["spec.yaml"]
    again = CliRunner().invoke(cli, ["check", str(spec), "--fix"])
    assert "nothing to fix" in again.stderr
    assert spec.read_text("utf-8") == FIXED


def test_windows_line_ends_survive(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_bytes(SPEC.replace("\n", "\r\n").encode())
    run = CliRunner().invoke(cli, ["check", str(spec), "--fix"])
    assert run.exit_code == 0, run.output
    assert spec.read_bytes().count(b"\r\n") == spec.read_bytes().count(b"\n")
    assert yaml.safe_load(spec.read_bytes()) == yaml.safe_load(FIXED)


def test_what_has_no_one_answer_is_only_reported(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("models: {a: {source: a.onnx, gunicorn_workers: 4}}\n", "utf-8")
    run = CliRunner().invoke(cli, ["check", str(spec), "--fix"])
    assert isinstance(run.exception, SpecError)
    assert spec.read_text("utf-8") == "models: {a: {source: a.onnx, gunicorn_workers: 4}}\n"


SHARED = """\
x-batching: &batching
  dynamic_batching: {preferred_batch_size: [16]}
models:
  small: {source: none, backend: mine, input: {x: "FP32[1]"}, output: {y: "FP32[1]"},
    max_batch_size: 8, <<: *batching}
  large: {source: none, backend: mine, input: {x: "FP32[1]"}, output: {y: "FP32[1]"},
    max_batch_size: 16, <<: *batching}
"""


def test_what_others_share_through_an_anchor_is_left_alone(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(SHARED, "utf-8")
    run = CliRunner().invoke(cli, ["check", str(spec), "--fix"])
    assert "preferred batch size 16" in str(run.exception)
    assert spec.read_text("utf-8") == SHARED


def test_a_byte_order_mark_stays(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("\ufeff" + SPEC, "utf-8")
    assert CliRunner().invoke(cli, ["check", str(spec), "--fix"]).exit_code == 0
    assert spec.read_text("utf-8") == "\ufeff" + FIXED


def test_only_the_file_with_the_mistake_is_edited(tmp_path: Path) -> None:
    base, over = tmp_path / "spec.yaml", tmp_path / "over.yaml"
    base.write_text(FIXED, "utf-8")
    over.write_text("models: {a: {max_batchsize: 16}}  # more\n", "utf-8")
    run = CliRunner().invoke(cli, ["check", str(base), "-f", str(over), "--fix"])
    assert run.exit_code == 0, run.output
    assert base.read_text("utf-8") == FIXED
    assert over.read_text("utf-8") == "models: {a: {max_batch_size: 16}}  # more\n"
