"""Plans to be tuned, and servers that are simulated."""

from pathlib import Path
from typing import Any

from tritongen.records.facts import Facts
from tritongen.records.plan import Plan
from tritongen.stages.load import load
from tritongen.stages.resolve import resolve
from tritongen.testing.simulated import SimulatedServer, Step

CHAIN = """
models:
  a:
    source: none
    backend: identity
    max_batch_size: 8
    dynamic_batching: {}
    instance_group: {kind: cpu, count: 1}
    input: {X: "FP32[2]"}
    output: {Y: "FP32[2]"}
  b:
    source: none
    backend: identity
    max_batch_size: 4
    dynamic_batching: {}
    instance_group: {kind: cpu, count: 1}
    input: {X: "FP32[2]"}
    output: {Y: "FP32[2]"}
ensembles:
  pipe: {steps: [{model: a, output: {Y: Z}}, {model: b, input: {X: Z}}]}
"""
LOAD = "loadtests: {t: {model: pipe, arrivals: {closed: 16}, duration: 10s}}\n"
STEPS = {"a": Step(fixed_ms=2, row_ms=0.5), "b": Step(fixed_ms=6, row_ms=0.8, power=0.9)}


def planned(folder: Path, text: str = LOAD + "tune: {}\n", models: str = CHAIN) -> Plan:
    path = folder / "spec.yaml"
    path.write_text(models + text)
    return resolve(load([path], {}), Facts())


def server(plan: Plan, **said: Any) -> SimulatedServer:
    return SimulatedServer(**{"plan": plan, "steps": STEPS} | said)
