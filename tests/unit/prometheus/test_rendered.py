"""What the rules are made of: metrics that the release emits, and what the plan knows."""

import re
from pathlib import Path

import pytest
import yaml
from tests.unit.prometheus.conftest import HERE, Planned, write

from tritongen.parts.targets.prometheus import render
from tritongen.parts.targets.prometheus.facts import facts
from tritongen.records.metrics import FACTS, PARTS, Alert, Recorded, alerts, metrics, recorded
from tritongen.records.monitoring import objectives, parts, uses
from tritongen.records.release import releases
from tritongen.records.stack import ALERT_WEBHOOK

SERIES = re.compile(r"\b(?:nv|tritongen|haproxy|prometheus)_[a-z0-9_]+|\bup\b")
OURS = re.compile(r"tritongen:\w+:\w+")
SUFFIX = re.compile(r"_(bucket|count|sum)$")


def asked(rule: Recorded | Alert) -> set[str]:
    """Return the metrics that a rule reads, by the name in the table."""
    found = set(SERIES.findall(rule.expr))
    known = metrics()
    return {name if name in known else SUFFIX.sub("", name) for name in found}


@pytest.mark.parametrize("release", list(releases()))
def test_rules_ask_only_for_what_the_release_emits(planned: Planned, release: str) -> None:
    plan = planned("", release)
    rendered: list[Recorded | Alert] = [*recorded(parts(plan)), *alerts(parts(plan))]
    for rule in rendered:
        for name in asked(rule):
            metric = metrics()[name]
            assert metric.lacks(plan.release) is None, rule.name
            # where the part is missing, the rule is: else it would never have data
            optional = name.startswith("nv_cache")
            assert metric.needs is None or metric.needs in rule.needs or optional, rule.name
    first = {rule.name for rule in rendered} & {"tritongen:first_response:quantile"}
    assert bool(first) == (release >= "24.11")


def test_rules_use_only_what_was_recorded_before(planned: Planned) -> None:
    plan = planned()
    known = {fact["record"] for fact in facts(plan)}
    assert known == set(FACTS)
    for rule in recorded(parts(plan)):
        assert set(OURS.findall(rule.expr)) <= known, rule.name
        known.add(rule.name)
    for alert in alerts(parts(plan)):
        assert set(OURS.findall(alert.expr)) <= known, alert.name


def test_every_part_that_a_rule_needs_is_known() -> None:
    rules: list[Recorded | Alert] = [*recorded(), *alerts()]
    for rule in rules:
        assert rule.needs <= set(PARTS)
    for metric in metrics().values():
        assert metric.needs is None or metric.needs in PARTS


def test_a_plan_without_a_stack_is_not_watched(planned: Planned) -> None:
    assert render(planned("stack: null\n")) == {}


def test_ensembles_in_ensembles_run_the_models_of_both(planned: Planned) -> None:
    plan = planned()
    assert uses(plan, "outer") == {"plain": 2, "cached": 1}
    assert uses(plan, "inner") == {"plain": 1, "cached": 1}


def test_failures_of_ensembles_are_counted_twice_since_triton_tells_reasons(
    planned: Planned,
) -> None:
    counted = {
        release: {
            fact["labels"]["model"]: fact["expr"]
            for fact in facts(planned("", release))
            if fact["record"] == "tritongen:model:failures_counted"
        }
        for release in ("24.06", "24.07")
    }
    assert set(counted["24.06"].values()) == {"vector(1)"}
    assert counted["24.07"]["outer"] == "vector(2)"
    assert counted["24.07"]["plain"] == "vector(1)"


def test_clients_are_believed_where_the_gateway_sees_them(planned: Planned) -> None:
    seen = {each.model: each.seen for each in objectives(planned())}
    assert seen == {"outer": "gateway", "stream": "triton"}
    seen = {each.model: each.seen for each in objectives(planned("stack: {gateway: none}\n"))}
    assert seen == {"outer": "triton", "stream": "triton"}


def test_triton_has_no_quantiles_of_a_cached_model_to_hold_it_to(planned: Planned) -> None:
    more = "slo: {cached: {p99: 1s, error_rate: 1%}}\n"
    direct = planned(f"{more}stack: {{gateway: none}}\n")
    watched = [each.name for each in objectives(direct) if each.model == "cached"]
    assert watched == ["error_rate"]
    silent = [each.path for each in direct.decisions if each.value == "no alert"]
    assert silent == [("slo", "cached", "p99")]
    assert [each.name for each in objectives(planned(more)) if each.model == "cached"] == [
        "error_rate",
        "p99",
    ]


def test_summaries_are_turned_on_and_what_the_spec_says_of_them_stays(planned: Planned) -> None:
    more = "server: {metrics_config: {summary_quantiles: {0.5: 0.05, 0.75: 0.01}}}\n"
    plan = planned(more)
    assert plan.stack is not None
    told = plan.stack.server.metrics_config
    assert told is not None
    assert told.summary_latencies
    assert told.histogram_latencies
    assert told.summary_quantiles == {0.5: 0.05, 0.75: 0.01}
    shares = [fact for fact in facts(plan) if fact["record"] == "tritongen:quantile:share"]
    assert {fact["labels"]["quantile"]: fact["expr"] for fact in shares} == {
        "0.5": "vector(0.5)",
        "0.75": "vector(0.25)",
    }


@pytest.mark.parametrize(
    ("server", "models"),
    [
        ("", {"plain", "cached", "stream", "inner", "outer"}),
        ("{model_control_mode: explicit}", {"plain", "cached", "stream", "inner", "outer"}),
        (
            "{model_control_mode: explicit, load_model: outer}",
            {"plain", "cached", "inner", "outer"},
        ),
        ("{model_control_mode: explicit, load_model: [stream]}", {"stream"}),
    ],
)
def test_only_models_that_are_loaded_at_the_start_can_be_missing(
    planned: Planned, server: str, models: set[str]
) -> None:
    plan = planned(f"server: {server}\n" if server else "")
    infos = [fact for fact in facts(plan) if fact["record"] == "tritongen:model:info"]
    assert {fact["labels"]["model"] for fact in infos} == models


def test_what_the_spec_lays_over_a_file_is_in_it(planned: Planned, tmp_path: Path) -> None:
    more = """
stack:
  extra:
    compose/prometheus/prometheus.yml: {global: {external_labels: {site: one}}}
"""
    folder = write(planned(more), tmp_path)
    written = yaml.safe_load((folder / "prometheus.yml").read_text())
    assert written["global"]["external_labels"] == {"site": "one"}


def test_each_alert_is_explained_in_the_manual() -> None:
    manual = (HERE.parents[2] / "docs" / "how-to" / "monitoring.md").read_text()
    for alert in alerts():
        name = re.sub("(?<=BudgetBurns)(Fast|Steady|Slow)", "…", alert.name)
        assert f"`{name}`" in manual, alert.name


@pytest.mark.parametrize(
    ("more", "jobs"),
    [
        ("", {"triton", "gateway", "locust", "prometheus", "alertmanager", "otel-collector"}),
        (
            "stack: {gateway: none, tracing: null}\nloadtests: null\n",
            {"triton", "prometheus", "alertmanager"},
        ),
    ],
)
def test_only_what_is_in_the_stack_is_scraped(
    planned: Planned, tmp_path: Path, more: str, jobs: set[str]
) -> None:
    folder = write(planned(more), tmp_path)
    written = yaml.safe_load((folder / "prometheus.yml").read_text())
    assert {job["job_name"] for job in written["scrape_configs"]} == jobs
    assert (tmp_path / "compose" / "otel").exists() == ("otel-collector" in jobs)


@pytest.mark.parametrize(
    ("webhook", "said"),
    [
        ('"http://pager/hook"', {"url": "http://pager/hook"}),
        ("{env: HOOK}", {"url_file": ALERT_WEBHOOK}),
    ],
)
def test_a_secret_webhook_is_not_in_the_file(
    planned: Planned, tmp_path: Path, webhook: str, said: dict[str, str]
) -> None:
    write(planned(f"stack: {{alertmanager: {{webhook: {webhook}}}}}\n"), tmp_path)
    file = tmp_path / "compose" / "alertmanager" / "alertmanager.yml"
    (receiver,) = yaml.safe_load(file.read_text())["receivers"]
    assert receiver["webhook_configs"] == [said]
