"""Ensembles of ten thousand steps, right and wrong: the time limit is what fails if one hangs."""

import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tritongen.errors import SpecError
from tritongen.stages.check import check
from tritongen.testing.cases import plan_of

STEPS = 10_000
FILES = {"m": {"input": {"x": "FP32[-1,4]"}, "output": {"y": "FP32[-1,4]"}}}
CHAIN = [f"{{model: m, input: {{x: t{n}}}, output: {{y: t{n + 1}}}}}" for n in range(STEPS)]

pytestmark = pytest.mark.timeout(60)


def case(steps: list[str], head: str = "") -> dict[str, object]:
    lines = "".join(f"      - {step}\n" for step in steps)
    spec = f"models: {{m: m.onnx}}\nensembles:\n  e:\n{head}    steps:\n{lines}"
    return {"spec": spec, "files": FILES}


def test_a_shuffled_chain_is_wired(tmp_path: Path) -> None:
    steps = list(CHAIN)
    Random(1).shuffle(steps)
    plan = plan_of(case(steps), tmp_path)
    assert [tensor.name for tensor in plan.models["e"].config.input] == ["t0"]
    assert [finding for finding in check(plan) if finding.severity == "error"] == []


def test_a_circle_of_all_steps_is_refused(tmp_path: Path) -> None:
    steps = [*CHAIN[:-1], f"{{model: m, input: {{x: t{STEPS - 1}}}, output: {{y: t0}}}}"]
    with pytest.raises(SpecError) as refusal:
        plan_of(case(steps), tmp_path)
    (finding,) = refusal.value.findings
    assert finding.code == "TG203"
    assert len(finding.message) < 200


def test_steps_that_all_read_what_nobody_writes_are_refused(tmp_path: Path) -> None:
    steps = [f"{{model: m, input: {{x: g{n}}}, output: {{y: t{n}}}}}" for n in range(STEPS)]
    with pytest.raises(SpecError) as refusal:
        plan_of(case(steps, '    input: {x: "FP32[4]"}\n'), tmp_path)
    assert len(refusal.value.findings) == STEPS


def calls_of_check(models: int, folder: Path) -> int:
    """Return how many functions are called to check so many models and ensembles of two steps."""
    step = '{python: "s.py:f", input: {x: "FP32[4]"}, output: {y: "FP32[4]"}}'
    spec = "models:\n"
    spec += "".join(f"  m{n}: m.onnx\n  s{n}: {step}\n" for n in range(models))
    spec += "ensembles:\n"
    for n in range(models):
        spec += f"  e{n}: {{steps: [s{n}, {{model: m{n}, input: {{x: y}}, output: {{y: z}}}}]}}\n"
    files = {f"m{n}": FILES["m"] for n in range(models)}
    steps = {f"s{n}": "def f(x): ..." for n in range(models)}
    plan = plan_of({"spec": spec, "files": files, "steps": steps}, folder)
    called = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal called
        called += event == "call"

    sys.setprofile(count)
    try:
        findings = check(plan)
    finally:
        sys.setprofile(None)
    assert [finding for finding in findings if finding.severity == "error"] == []
    return called


def test_twice_as_many_models_are_twice_the_work(tmp_path: Path) -> None:
    assert calls_of_check(400, tmp_path) < 2.2 * calls_of_check(200, tmp_path)
