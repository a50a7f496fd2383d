"""Prometheus' own tool on what is rendered: is it valid, and does each rule say what is true?"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.unit.prometheus.conftest import HERE, Planned, write

from tritongen.records.metrics import alerts, recorded

PROMTOOL = shutil.which("promtool")
AMTOOL = shutil.which("amtool")
CASES = sorted((HERE / "promtool").glob("*.yaml"))

needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not installed (apt-get install prometheus)"
)

DIRECT = "stack: {gateway: none, gpus: none, tracing: null, alertmanager: null}\nslo: null\n"
ODD = """
models:
  "Merchant.City-1": {python: step.py:plain, input: {x: "FP32[1]"}, output: {y: "FP32[1]"}}
slo:
  "Merchant.City-1": {p99: 1ms, error_rate: 0%}
"""


def promtool(*words: str, folder: Path) -> str:
    assert PROMTOOL is not None
    done = subprocess.run(
        [PROMTOOL, *words], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_promtool
@pytest.mark.parametrize("more", ["", DIRECT, "stack: {gateway: none}\n", ODD])
@pytest.mark.parametrize("release", ["23.12", "24.10", "26.08"])
def test_prometheus_takes_what_is_rendered(
    planned: Planned, tmp_path: Path, more: str, release: str
) -> None:
    folder = write(planned(more, release), tmp_path)
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml", folder=folder)
    promtool("check", "rules", "rules.yml", "alerts.yml", folder=folder)  # no rule stands twice


@needs_promtool
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_rules_say_what_is_true(planned: Planned, tmp_path: Path, case: Path) -> None:
    folder = write(planned(), tmp_path)
    shutil.copy(case, folder)
    promtool("test", "rules", case.name, folder=folder)


@needs_promtool
def test_an_idle_server_has_no_rates_that_are_not_numbers(planned: Planned, tmp_path: Path) -> None:
    folder = write(planned(), tmp_path)
    names = dict.fromkeys(rule.name for rule in recorded())
    label = 'job="triton", instance="a", version="1"'
    counters = {
        name: f'{name}{{{label}, model="plain"}}'
        for rule in recorded()
        for name in re.findall(r"\b(?:nv|tritongen|haproxy)_\w+", rule.expr)
    }
    case = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "5s",
        "tests": [
            {
                "interval": "5s",
                "input_series": [{"series": each, "values": "9x24"} for each in counters.values()],
                "promql_expr_test": [
                    {"expr": f"{name} != {name}", "eval_time": "2m", "exp_samples": []}
                    for name in names
                ],
            }
        ],
    }
    (folder / "idle.json").write_text(json.dumps(case))  # JSON is YAML
    promtool("test", "rules", "idle.json", folder=folder)


def test_every_rule_and_every_alert_has_a_test_of_its_own() -> None:
    texts = "".join(case.read_text() for case in CASES)
    tested = set(re.findall(r"tritongen:\w+:\w+", texts))
    assert {rule.name for rule in recorded()} <= tested
    missing = [alert.name for alert in alerts() if not _fires(alert.name, texts)]
    assert not missing


def _fires(name: str, texts: str) -> bool:
    return f'alertname="{name}"' in texts or f"alertname: {name}" in texts


@pytest.mark.skipif(AMTOOL is None, reason="amtool: apt-get install prometheus-alertmanager")
@pytest.mark.parametrize("more", ["", "stack: {alertmanager: null}\n"])
def test_alertmanager_takes_what_is_rendered(planned: Planned, tmp_path: Path, more: str) -> None:
    write(planned(more), tmp_path)
    file = tmp_path / "compose" / "alertmanager" / "alertmanager.yml"
    assert AMTOOL is not None
    done = subprocess.run(
        [AMTOOL, "check-config", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
