"""Plans of which the rules of Prometheus are rendered, without a server."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tritongen.parts.targets.prometheus import render
from tritongen.records.plan import Plan
from tritongen.stages.load import load
from tritongen.stages.probe import probe
from tritongen.stages.resolve import resolve

HERE = Path(__file__).parent
Planned = Callable[..., Plan]
STEPS = """
def plain(x):
    return {"y": x}


def stream(x):
    yield {"y": x}
"""


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    """Return ``planned(more, release)``: the plan of ``watched.yaml`` with ``more`` laid over."""

    def plan(more: str = "", release: str = "24.11") -> Plan:
        (tmp_path / "step.py").write_text(STEPS)
        (tmp_path / "watched.yaml").write_text((HERE / "watched.yaml").read_text())
        (tmp_path / "more.yaml").write_text(f'triton: "{release}"\n{more}')
        spec = load([tmp_path / "watched.yaml", tmp_path / "more.yaml"], {})
        return resolve(spec, probe(spec, tmp_path))

    return plan


def write(plan: Plan, folder: Path) -> Path:
    """Write what watches a plan, and return the folder of Prometheus."""
    for path, entry in render(plan).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(entry.text)  # type: ignore[union-attr]
    return folder / "compose" / "prometheus"
