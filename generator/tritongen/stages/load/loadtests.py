"""Reads the entries of ``loadtests:`` and ``slo:``."""

from tritongen.records.finding import Place, SpecPath
from tritongen.records.loadtest import LoadTest, Slo
from tritongen.records.scalars import quote
from tritongen.stages.load.codes import TYPE
from tritongen.stages.load.keys import plain, read_keys
from tritongen.stages.load.nodes import Entries, Node, describe
from tritongen.stages.load.report import Report


def read_loadtest(
    report: Report, name: str, node: Node, places: dict[SpecPath, Place]
) -> LoadTest | None:
    """Read one entry of ``loadtests:``."""
    if not isinstance(node, Entries):
        message = f"{quote(name)} wants an entry, found {describe(node)}"
        report.add(TYPE, node.place, message, fix="write `{model: ..., arrivals: ...}`")
        return None
    return read_keys(report, LoadTest, node, plain(node), f"the load test {quote(name)}")


def read_slo(report: Report, name: str, node: Node, places: dict[SpecPath, Place]) -> Slo | None:
    """Read one entry of ``slo:``: what must hold for a model."""
    if not isinstance(node, Entries):
        message = f"{quote(name)} wants a mapping, found {describe(node)}"
        report.add(TYPE, node.place, message, fix="write `{p99: 50ms, error_rate: 0.1%}`")
        return None
    return read_keys(report, Slo, node, plain(node), f"the objective of {quote(name)}")
