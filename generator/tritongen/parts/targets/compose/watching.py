"""The services that watch: Prometheus, Alertmanager, Grafana, and the way of traces to Jaeger."""

from typing import Any

from tritongen.parts.targets.compose.service import (
    Fields,
    after,
    closed,
    health,
    mounted,
    published,
    reference,
    wget,
)
from tritongen.records.machine import Env
from tritongen.records.stack import (
    ALERT_WEBHOOK,
    ALERTMANAGER,
    ALERTMANAGER_FOLDER,
    ALERTMANAGER_PORT,
    ALERTS_PROFILE,
    DASHBOARDS,
    DASHBOARDS_MOUNT,
    EDGE,
    GRAFANA,
    GRAFANA_PASSWORD,
    GRAFANA_PORT,
    INNER,
    JAEGER,
    JAEGER_PORT,
    OTEL,
    OTEL_FOLDER,
    PROMETHEUS,
    PROMETHEUS_FOLDER,
    PROMETHEUS_PORT,
    PROVISIONING,
    PlannedStack,
)

KEEP = "15d"
"""How long Prometheus keeps what it scraped."""
NO_PASSWORD = "run tritongen build, or set it in .env"  # noqa: S105, the message if there is none


def prometheus(stack: PlannedStack) -> dict[str, Any]:
    """Return the service that scrapes, records and judges."""
    command = [
        "--config.file=/etc/prometheus/prometheus.yml",
        "--storage.tsdb.path=/prometheus",
        f"--storage.tsdb.retention.time={KEEP}",
    ]
    own: Fields = {
        "image": stack.images[PROMETHEUS],
        "command": command,
        "user": "nobody",
        "ports": [published(stack.unguarded, stack.ports.prometheus, PROMETHEUS_PORT)],
        "networks": [EDGE, INNER],
        "volumes": [mounted(PROMETHEUS_FOLDER, "/etc/prometheus"), "prometheus:/prometheus"],
        "healthcheck": health(wget(PROMETHEUS_PORT, "/-/ready"), start_s=60),
    }
    return closed(stack, PROMETHEUS, own)


def grafana(stack: PlannedStack) -> dict[str, Any]:
    """Return the service of the dashboards; it asks Prometheus only, and tells nobody of itself."""
    own: Fields = {
        "image": stack.images[GRAFANA],
        "user": "472",
        "environment": {
            "GF_SECURITY_ADMIN_USER": "admin",
            "GF_SECURITY_ADMIN_PASSWORD": reference(GRAFANA_PASSWORD, NO_PASSWORD),
            "GF_AUTH_ANONYMOUS_ENABLED": "false",
            "GF_USERS_ALLOW_SIGN_UP": "false",
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
            "GF_NEWS_NEWS_FEED_ENABLED": "false",
            "GF_SNAPSHOTS_EXTERNAL_ENABLED": "false",
        },
        "ports": [published(stack.bind, stack.ports.grafana, GRAFANA_PORT)],
        "networks": [EDGE],
        "volumes": [
            mounted(PROVISIONING, "/etc/grafana/provisioning"),
            mounted(DASHBOARDS, DASHBOARDS_MOUNT),
            "grafana:/var/lib/grafana",
        ],
        "healthcheck": health(wget(GRAFANA_PORT, "/api/health"), start_s=120),
        "depends_on": after(PROMETHEUS),
    }
    return closed(stack, GRAFANA, own)


def alertmanager(stack: PlannedStack) -> dict[str, Any]:
    """Return the service that passes alerts on; a URL that is a secret never stands in a file."""
    options = ["--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"]
    said = stack.alertmanager
    webhook: dict[str, Any] = {}
    if said and isinstance(said.webhook, Env):
        script = f'umask 077 && printf %s "$WEBHOOK" > {ALERT_WEBHOOK} && exec alertmanager'
        variable = reference(said.webhook.env, "where alerts are posted to")
        webhook = {
            "entrypoint": ["/bin/sh", "-c", f'{script} "$@"', "alertmanager"],
            "environment": {"WEBHOOK": variable},
        }
    own: Fields = {
        "image": stack.images[ALERTMANAGER],
        **({} if said else {"profiles": [ALERTS_PROFILE]}),
        **webhook,
        "command": options,
        "user": "nobody",
        "ports": [published(stack.unguarded, stack.ports.alertmanager, ALERTMANAGER_PORT)],
        "networks": [EDGE],
        "volumes": [
            mounted(ALERTMANAGER_FOLDER, "/etc/alertmanager"),
            "alertmanager:/alertmanager",
        ],
        "healthcheck": health(wget(ALERTMANAGER_PORT, "/-/ready"), start_s=30),
    }
    return closed(stack, ALERTMANAGER, own)


def otel(stack: PlannedStack) -> dict[str, Any]:
    """Return the service that takes traces from the Tritons."""
    own: Fields = {
        "image": stack.images[OTEL],
        "command": ["--config=/etc/otel/collector.yml"],
        "user": "10001",
        "networks": [INNER],
        "volumes": [mounted(OTEL_FOLDER, "/etc/otel")],
        "depends_on": after(JAEGER),
    }
    return closed(stack, OTEL, own)


def jaeger(stack: PlannedStack) -> dict[str, Any]:
    """Return the service that shows traces; it keeps the newest, in memory."""
    own: Fields = {
        "image": stack.images[JAEGER],
        "command": ["--memory.max-traces=50000"],
        "user": "10001",
        "ports": [published(stack.unguarded, stack.ports.jaeger, JAEGER_PORT)],
        "networks": [EDGE, INNER],
    }
    return closed(stack, JAEGER, own)
