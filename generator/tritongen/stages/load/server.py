"""Reads ``server:``: the options of tritonserver."""

from tritongen.records.scalars import quote
from tritongen.records.server import OWNED, Server
from tritongen.stages.load.codes import OWN, TYPE
from tritongen.stages.load.keys import plain, read_keys
from tritongen.stages.load.nodes import Entries, Node, describe
from tritongen.stages.load.report import Report


def read_server(report: Report, node: Node | None) -> Server:
    """Read the options; those that tritongen sets itself are refused with what to say instead."""
    if node is None:
        return Server()
    if not isinstance(node, Entries):
        message = f"`server` wants a mapping, found {describe(node)}"
        report.add(TYPE, node.place, message, fix="write `server: {http_port: 8000}`")
        return Server()
    known = Server.model_fields
    for key in node.values.keys() - known.keys():
        _refuse(report, node, key)
    keys = {key: plain(value) for key, value in node.values.items() if key in known}
    return read_keys(report, Server, node, keys, "`server`") or Server()


def _refuse(report: Report, node: Entries, key: str) -> None:
    owned = OWNED.get(key.replace("-", "_"))
    if owned:
        why, fix = owned
        message = f"{quote(key)} is not said in a spec"
        report.add(OWN, node.keys[key], message, why=why, fix=fix)
    else:
        report.unknown(node, key, "`server`", Server.model_fields)
