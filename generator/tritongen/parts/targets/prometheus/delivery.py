"""Where alerts and traces go: ``alertmanager.yml`` and the OpenTelemetry collector's file."""

from collections.abc import Mapping
from typing import Any

from tritongen.records.machine import Env
from tritongen.records.plan import Plan
from tritongen.records.stack import (
    ALERT_WEBHOOK,
    JAEGER,
    OTEL_METRICS_PORT,
    OTLP_GRPC_PORT,
    OTLP_HTTP_PORT,
)


def alertmanager(plan: Plan) -> Mapping[str, Any]:
    """Return the content of ``alertmanager.yml``; without a webhook, alerts are only shown.

    Where nothing answers at all, one alert says so, and the others keep silent.
    """
    return {
        "route": {
            "receiver": "default",
            "group_by": ["alertname", "model"],
            "group_wait": "10s",
            "group_interval": "1m",
            "repeat_interval": "4h",
        },
        "inhibit_rules": [
            {
                "source_matchers": ['alertname="TritonDown"'],
                "target_matchers": ['alertname!="TritonDown"'],
            },
        ],
        "receivers": [{"name": "default", **_webhooks(plan)}],
    }


def _webhooks(plan: Plan) -> Mapping[str, Any]:
    said = plan.stack.alertmanager if plan.stack else None
    if said is None or said.webhook is None:
        return {}
    if isinstance(said.webhook, Env):
        return {"webhook_configs": [{"url_file": ALERT_WEBHOOK}]}
    return {"webhook_configs": [{"url": said.webhook}]}


def collector() -> Mapping[str, Any]:
    """Return the content of the collector's file: OTLP/HTTP in, as Triton sends it, to Jaeger."""
    pipeline = {"receivers": ["otlp"], "processors": ["memory_limiter", "batch"]}
    metrics = {"level": "basic", "address": f"0.0.0.0:{OTEL_METRICS_PORT}"}
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"0.0.0.0:{OTLP_HTTP_PORT}"}}}},
        "processors": {
            "memory_limiter": {
                "check_interval": "1s",
                "limit_percentage": 80,
                "spike_limit_percentage": 20,
            },
            "batch": {},
        },
        "exporters": {
            "otlp": {"endpoint": f"{JAEGER}:{OTLP_GRPC_PORT}", "tls": {"insecure": True}}
        },
        "service": {
            "telemetry": {"metrics": metrics},
            "pipelines": {"traces": {**pipeline, "exporters": ["otlp"]}},
        },
    }
