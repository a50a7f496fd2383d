"""What Grafana reads at its start: where Prometheus is, and in which folder dashboards lie."""

from collections.abc import Mapping
from typing import Any, Final

from tritongen.parts.targets.grafana.picture import DATASOURCE
from tritongen.records.plan import Plan
from tritongen.records.stack import DASHBOARDS_MOUNT, PROMETHEUS, PROMETHEUS_PORT

SCRAPED_EVERY: Final = "5s"
"""As in ``prometheus.yml``: closer points would show nothing more."""


def datasources() -> Mapping[str, Any]:
    """Return the content of the data sources' file."""
    source = {
        "name": "Prometheus",
        "type": "prometheus",
        "uid": DATASOURCE,
        "access": "proxy",
        "url": f"http://{PROMETHEUS}:{PROMETHEUS_PORT}",
        "isDefault": True,
        "editable": False,
        "jsonData": {"httpMethod": "POST", "timeInterval": SCRAPED_EVERY},
    }
    return {"apiVersion": 1, "datasources": [source]}


def dashboards(plan: Plan) -> Mapping[str, Any]:
    """Return the content of the dashboards' file; changes of a file are seen after ten seconds."""
    provider = {
        "name": "tritongen",
        "folder": plan.name,
        "type": "file",
        "disableDeletion": True,
        "allowUiUpdates": False,
        "updateIntervalSeconds": 10,
        "options": {"path": DASHBOARDS_MOUNT},
    }
    return {"apiVersion": 1, "providers": [provider]}
