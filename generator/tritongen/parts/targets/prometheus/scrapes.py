"""``prometheus.yml``: who is scraped, and where alerts are sent."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tritongen.records.plan import Plan
from tritongen.records.stack import (
    ALERTMANAGER,
    ALERTMANAGER_PORT,
    GATEWAY,
    GATEWAY_METRICS,
    GATEWAY_MODEL_METRICS,
    LOCUST_MASTER,
    LOCUST_PORT,
    OTEL,
    OTEL_METRICS_PORT,
    PROMETHEUS_PORT,
    TRITON,
    TRITON_METRICS,
)

EVERY: Final = "5s"
"""How often all is scraped and the rules are evaluated: a rate over a minute has twelve points,
and a failure shows in an alert within two of these."""
TIMEOUT: Final = "4s"
FOUND_EVERY: Final = "5s"
"""How often the replicas are looked up."""
LOCUST_METRICS: Final = "/tritongen/metrics"

Scrape = dict[str, Any]


def prometheus(plan: Plan) -> Mapping[str, Any]:
    """Return the content of ``prometheus.yml``."""
    return {
        "global": {
            "scrape_interval": EVERY,
            "scrape_timeout": TIMEOUT,
            "evaluation_interval": EVERY,
        },
        "rule_files": ["rules.yml", "alerts.yml"],
        "alerting": {"alertmanagers": [_found(ALERTMANAGER, ALERTMANAGER_PORT, "30s")]},
        "scrape_configs": list(_scrapes(plan)),
    }


def _scrapes(plan: Plan) -> Iterator[Scrape]:
    assert plan.stack is not None, "asked only for a stack"
    yield {"job_name": "triton", **_found(TRITON, TRITON_METRICS, FOUND_EVERY)}
    if plan.stack.gateway:
        yield _gateway()
    if plan.loadtests:
        address = f"{LOCUST_MASTER}:{LOCUST_PORT}"
        yield {"job_name": "locust", "metrics_path": LOCUST_METRICS, **_at(address)}
    yield {"job_name": "prometheus", **_at(f"localhost:{PROMETHEUS_PORT}")}
    yield {"job_name": "alertmanager", **_found(ALERTMANAGER, ALERTMANAGER_PORT, "30s")}
    if plan.stack.tracing:
        yield {"job_name": "otel-collector", **_found(OTEL, OTEL_METRICS_PORT, "30s")}


def _at(address: str) -> Scrape:
    return {"static_configs": [{"targets": [address]}]}


def _found(service: str, port: int, every: str) -> Scrape:
    """Return all containers of a service; none where it is in a profile that was not started."""
    found = {"names": [service], "type": "A", "port": port, "refresh_interval": every}
    return {"dns_sd_configs": [found]}


def _gateway() -> Scrape:
    """Return the gateway's two pages: HAProxy's own, and what clients were answered, by model."""
    address = f"{GATEWAY}:{GATEWAY_METRICS}"
    models = {"__metrics_path__": GATEWAY_MODEL_METRICS, "instance": f"{address}/models"}
    return {
        "job_name": "gateway",
        "static_configs": [{"targets": [address]}, {"targets": [address], "labels": models}],
    }
