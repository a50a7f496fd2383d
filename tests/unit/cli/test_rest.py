"""A refused spec is told all that is wrong with it, and nothing that only follows from that."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tritongen.cli import cli

STEP = """
def f(x):
    return {"y": x}
"""
MODEL = '{python: "s.py:f", input: {x: "FP32[4]"}, output: {y: "FP32[4]"}%s}'


def told(folder: Path, spec: str) -> list[str]:
    """Return line and code of what `check` finds."""
    (folder / "s.py").write_text(STEP)
    (folder / "spec.yaml").write_text(spec.replace("MODEL", MODEL % ""))
    run = CliRunner().invoke(cli, ["check", str(folder / "spec.yaml"), "--format", "github"])
    assert run.exit_code == 2, run.output
    lines = [line.partition("line=")[2] for line in run.output.splitlines()]
    return [f"{line.partition(',')[0]} {line.partition('title=')[2][:5]}" for line in lines]


def test_mistakes_of_every_stage_are_told_together(tmp_path: Path) -> None:
    spec = """
models:
  form: {python: "s.py:f", max_batch_sise: 4}
  file: {python: "s.py:g", input: {x: "FP32[4]"}, output: {y: "FP32[4]"}}
  rule: {python: "s.py:f", input: {x: "BF16[4]"}, output: {y: "FP32[4]"}}
  fine: MODEL
ensembles:
  wiring: {steps: [fine, nosuch]}
server: {model_control_mode: explicit, load_model: [fine, nosuch]}
loadtests:
  load: {model: fyne, arrivals: {closed: 2}, duration: 2s}
"""
    assert told(tmp_path, spec) == [
        "3 TG009", "4 TG062", "5 TG107", "8 TG201", "9 TG407", "11 TG701"
    ]  # fmt: skip


def test_what_names_a_refused_entry_is_not_judged(tmp_path: Path) -> None:
    spec = """
models:
  wrong: {python: "s.py:f", max_batch_sise: 4}
  fine: MODEL
ensembles:
  inner: {steps: [wrong]}
  outer: {steps: [inner]}
server: {model_control_mode: explicit, load_model: [wrong, outer]}
slo: {wrong: {p99: 1s}}
loadtests:
  load: {model: outer, arrivals: {closed: 2}, duration: 2s}
tune: {loadtest: load, search: {wrong: {max_batch_size: [1, 2]}}}
"""
    assert told(tmp_path, spec) == ["3 TG009"]


def test_a_badly_formed_key_of_tune_hides_no_other(tmp_path: Path) -> None:
    spec = """
models: {fine: MODEL}
loadtests:
  steady: {model: fine, arrivals: {closed: 2}, duration: 2s}
tune:
  goal: speed
  loadtest: stedy
  budget: {trials: many}
"""
    assert told(tmp_path, spec) == ["6 TG009", "7 TG601", "8 TG011"]


def test_a_mistake_in_a_steps_file_is_its_models(tmp_path: Path) -> None:
    spec = """
models:
  broken: {python: "b.py:f", input: {x: "FP32[4]"}, output: {y: "FP32[4]"}}
  also: {python: "s.py:f", input: {z: "FP32[4]"}, output: {y: "FP32[4]"}}
"""
    (tmp_path / "b.py").write_text("def f(x:\n")
    assert sorted(told(tmp_path, spec)) == ["1 TG061", "4 TG108", "4 TG108"]


@pytest.mark.parametrize(
    "spec",
    [
        "models: {fine: MODEL}\nmodls: {a: b}\nensembles: {e: {steps: [gone]}}",
        "triton: 99.99\nmodels: {fine: MODEL}",
        "models: [fine]\nensembles: {e: {steps: [fine]}}",
    ],
)
def test_nothing_follows_from_what_can_not_be_told_apart(tmp_path: Path, spec: str) -> None:
    assert len(told(tmp_path, spec)) == 1
