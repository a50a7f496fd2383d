"""The requests of a spec's load tests, made and read back by the program that sends them."""

import re
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tritongen.errors import SpecError
from tritongen.records.facts import Facts
from tritongen.records.finding import Finding
from tritongen.records.plan import Plan
from tritongen.stages.load import load
from tritongen.stages.payloads import payloads
from tritongen.stages.resolve import resolve

UNQUOTED = re.compile(r'(?<!")\b([A-Z]+[0-9]*\[[^]]*\])')
"""YAML wants quotes around brackets in braces; these tests are easier to read without."""
MODEL = """
models:
  m:
    source: none
    backend: identity
    max_batch_size: 8
    input: {INPUT}
    output: {Y: "FP32[2]"}
    MORE
"""

Planned = tuple[Plan, list[Finding]]


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Planned]:
    """Return what plans a load test of one model: ``plan("{X: FP32[2]}", "data: samples/")``."""
    monkeypatch.chdir(tmp_path)

    def made(inputs: str, said: str = "", more: str = "") -> Planned:
        quoted = UNQUOTED.sub(r'"\1"', inputs)
        text = MODEL.replace("{INPUT}", quoted).replace("MORE", more)
        text += f"loadtests:\n  t:\n    model: m\n    arrivals: {{closed: 1}}\n    {said}\n"
        Path("spec.yaml").write_text(text)
        done, findings = payloads(resolve(load([Path("spec.yaml")], {}), Facts()), tmp_path)
        return done, list(findings)

    return made


@pytest.fixture
def samples(plan: Callable[..., Planned]) -> Callable[..., list[dict[str, Any]]]:
    """Return what reads the requests back: (datatype, shape, bytes) by input, for each sample."""
    folder = str(files("tritongen.runtime").joinpath("load"))
    sys.path.insert(0, folder)
    try:
        import load_payloads  # type: ignore[import-not-found]
    finally:
        sys.path.remove(folder)

    def read(inputs: str, said: str = "", more: str = "") -> list[dict[str, Any]]:
        done, findings = plan(inputs, said, more)
        if findings:
            raise SpecError(findings)
        (traffic,) = done.loadtests["t"].traffic
        assert traffic.samples is not None
        return [
            {t.name: (t.datatype, t.shape, t.data) for t in (*each.inputs, *each.outputs)}
            for each in load_payloads.read(Path(traffic.samples.entry.source))  # type: ignore[union-attr]
        ]

    return read
