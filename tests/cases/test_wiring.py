"""Ensembles are wired by name: what resolves, to what, and what is refused in which words."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tritongen.errors import SpecError
from tritongen.records.plan import End, short
from tritongen.testing.cases import plan_of

FOLDER = Path(__file__).parent / "wiring"


def cases(name: str) -> list[Any]:
    return [
        pytest.param(case, id=case["name"].replace(" ", "-"))
        for case in yaml.safe_load((FOLDER / name).read_text())
    ]


def label(end: End) -> str:
    return f"{end.model}.{end.tensor}"


@pytest.mark.parametrize("case", cases("chain.yaml"))
def test_steps_are_wired(case: dict[str, Any], tmp_path: Path) -> None:
    plan = plan_of(case, tmp_path)
    name = case.get("ensemble", "e")
    config = plan.models[name].config
    wires = [wire for wire in plan.wires if wire.ensemble == name]
    optional = {tensor.name for tensor in config.input if tensor.optional}
    assert {
        "inputs": {
            t.name: short(t) + (" optional" if t.name in optional else "") for t in config.input
        },
        "outputs": {tensor.name: short(tensor) for tensor in config.output},
        "batch": config.max_batch_size,
        "wires": sorted(
            f"{label(w.producer)} -> {', '.join(map(label, w.consumers))}" for w in wires
        ),
    } == {key: case[key] for key in ("inputs", "outputs", "batch")} | {
        "wires": sorted(case["wires"])
    }


@pytest.mark.parametrize("case", cases("refused.yaml"))
def test_what_can_not_be_wired_is_refused(case: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SpecError) as refusal:
        plan_of(case, tmp_path)
    told = [
        f"{f.code} {str(f.place).removeprefix(f'{tmp_path}/')} {f.message}"
        for f in refusal.value.findings
    ]
    assert sorted(told) == sorted(case["refused"])


def test_every_refusal_has_a_reason_and_one_remedy(tmp_path: Path) -> None:
    for case in yaml.safe_load((FOLDER / "refused.yaml").read_text()):
        with pytest.raises(SpecError) as refusal:
            plan_of(case, tmp_path)
        assert all(finding.why and finding.fix for finding in refusal.value.findings)
