"""What a rendered tree shows and computes: every query of every panel, every rule.

Variables stand in queries as Grafana fills them in: ``filled(expr, {"model": "m"})``.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

VARIABLE = re.compile(r"\$(\w+)")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A query of a panel."""

    dashboard: str
    panel: str
    expr: str
    legend: str

    @property
    def variables(self) -> frozenset[str]:
        return frozenset(VARIABLE.findall(self.expr))


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule: what it records, or alerts of."""

    kind: str
    name: str
    expr: str


def dashboards(root: Path) -> dict[str, Any]:
    """Return the dashboards of a rendered tree by the names of their files."""
    files = sorted((root / "grafana" / "dashboards").glob("*.json"))
    return {file.stem: json.loads(file.read_text("utf-8")) for file in files}


def panels(dashboard: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each panel with the title of its row, those of folded rows too."""
    row = ""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            row = panel["title"]
            yield from ((row, inner) for inner in panel["panels"])
        else:
            yield row, panel


def queries(root: Path) -> Iterator[Shown]:
    """Yield every query of every panel."""
    for name, dashboard in dashboards(root).items():
        for row, panel in panels(dashboard):
            for target in panel["targets"]:
                yield Shown(
                    dashboard=name,
                    panel=f"{row}: {panel['title']}" if row else panel["title"],
                    expr=target["expr"],
                    legend=target["legendFormat"],
                )


def annotations(root: Path) -> Iterator[Shown]:
    """Yield every query of what is marked in all panels."""
    for name, dashboard in dashboards(root).items():
        for note in dashboard["annotations"]["list"]:
            yield Shown(dashboard=name, panel=note["name"], expr=note["expr"], legend="")


def rules(root: Path) -> Iterator[Rule]:
    """Yield every rule that records, and every alert."""
    for file in ("rules.yml", "alerts.yml"):
        content = yaml.safe_load((root / "compose" / "prometheus" / file).read_text("utf-8"))
        for group in content["groups"]:
            for rule in group["rules"]:
                kind = "record" if "record" in rule else "alert"
                yield Rule(kind=kind, name=rule[kind], expr=rule["expr"])


def filled(expr: str, values: Mapping[str, str]) -> str:
    """Return a query with its variables filled in; ``.+`` is Grafana's «all» here."""
    return VARIABLE.sub(lambda found: values[found[1]], expr)
