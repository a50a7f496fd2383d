"""Merges overlays and replaces ``${NAME}``, so that what is left is only to be read."""

import re
from collections.abc import Mapping
from dataclasses import replace

from tritongen.records.finding import Place
from tritongen.records.scalars import quote
from tritongen.stages.load.codes import NOTHING, TYPE, UNDEFINED
from tritongen.stages.load.nodes import Entries, Items, Node, Text, describe
from tritongen.stages.load.report import Report

REFERENCE = re.compile(
    r"(?P<literal>\$\$\{)"
    r"|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}"
    r"|(?P<broken>\$\{)"
)


def spelled_out(base: Entries, over: Entries) -> Entries:
    """Return ``base`` with ``model: path`` as ``model: {source: path}`` where ``over`` says more.

    Otherwise what a spec says in short could not be added to.
    """
    models, more = base.values.get("models"), over.values.get("models")
    if not isinstance(models, Entries) or not isinstance(more, Entries):
        return base
    longer = {
        name: Entries(values={"source": node}, keys={"source": node.place}, place=node.place)
        for name, node in models.values.items()
        if isinstance(node, Text)
        and isinstance(more.values.get(name), Entries)
        and not (node.is_null or node.is_empty)
    }
    spelled = replace(models, values={**models.values, **longer})
    return replace(base, values={**base.values, "models": spelled})


def overlay(base: Entries, over: Entries) -> Entries:
    """Lay a mapping over another: mappings deeply, ``null`` removes, all else replaces."""
    result = Entries(values=dict(base.values), keys=dict(base.keys), place=base.place)
    for key, value in over.values.items():
        below = base.values.get(key)
        if isinstance(value, Text) and value.is_null:
            result.values.pop(key, None)
            result.keys.pop(key, None)
        elif isinstance(value, Entries) and isinstance(below, Entries):
            result.values[key] = overlay(below, value)
        else:
            result.values[key] = value
            result.keys[key] = over.keys[key]
    return result


def settle(report: Report, root: Entries, environment: Mapping[str, str]) -> Entries:
    """Return the spec with every ``${NAME}`` replaced and nothing null or empty in it.

    ``vars:`` and ``x-...`` have done their work and are left out.
    """
    names = _names(report, root.values.get("vars"), environment)
    wanted = [key for key in root.values if key != "vars" and not key.startswith("x-")]
    spec = Entries(
        values={key: root.values[key] for key in wanted}, keys=root.keys, place=root.place
    )
    return _settle_entries(report, spec, names, root.place)


def _names(report: Report, node: Node | None, environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return what ``${NAME}`` can be; ``vars:`` may use the environment, not each other."""
    if node is None or (isinstance(node, Text) and node.is_null):
        return environment
    if not isinstance(node, Entries):
        report.add(TYPE, node.place, f"`vars` wants a mapping, found {describe(node)}")
        return environment
    own: dict[str, str] = {}
    for key, value in _settle_entries(report, node, environment, node.place).values.items():
        if isinstance(value, Text):
            own[key] = value.text
        else:
            message = f"{quote(key)} in `vars` wants text, found {describe(value)}"
            report.add(TYPE, value.place, message, fix="use an anchor for more than one value")
    return {**own, **environment}


def _settle(report: Report, node: Node, names: Mapping[str, str], key: Place) -> Node:
    """Settle a value; a collection stands where its key does, not at its own first part."""
    if isinstance(node, Text):
        return _replaced(report, node, names)
    if isinstance(node, Entries):
        return _settle_entries(report, node, names, key)
    kept = []
    for item in node.items:
        if isinstance(item, Text) and (item.is_null or item.is_empty):
            found = "nothing" if item.is_empty else "null"
            message = f"an item of a list is {found}"
            report.add(NOTHING, item.place, message, fix="write the item, or remove it")
        else:
            kept.append(_settle(report, item, names, item.place))
    return Items(items=kept, place=key)


def _settle_entries(
    report: Report, node: Entries, names: Mapping[str, str], place: Place
) -> Entries:
    settled = Entries(values={}, keys={}, place=place)
    for key, value in node.values.items():
        if isinstance(value, Text) and value.is_empty:
            report.add(
                NOTHING,
                node.keys[key],
                f"nothing stands after {quote(key + ':')}",
                fix="write its value; `{}` for all defaults, `null` for «not said»",
            )
        elif not (isinstance(value, Text) and value.is_null):
            settled.keys[key] = node.keys[key]
            settled.values[key] = _settle(report, value, names, node.keys[key])
    return settled


def _replaced(report: Report, node: Text, names: Mapping[str, str]) -> Text:
    if "${" not in node.text:
        return Text(text=node.text, place=node.place, plain=node.plain)

    def value(match: re.Match[str]) -> str:
        if match["literal"]:
            return "${"
        if match["broken"]:
            report.add(
                UNDEFINED,
                node.place,
                f"`${{` in {quote(node.text)} does not start a `${{NAME}}`",
                fix="write `$${` for a literal `${`",
            )
            return "${"
        return _value_of(report, node, match, names)

    text = REFERENCE.sub(value, node.text)
    return Text(text=text, place=node.place, plain=node.plain)


def _value_of(report: Report, node: Text, match: re.Match[str], names: Mapping[str, str]) -> str:
    name, default = match["name"], match["default"]
    found = names.get(name)
    if default is not None:
        return found or default
    if found is None:
        report.add(
            UNDEFINED,
            node.place,
            f"`${{{name}}}` is neither in the environment nor in `vars:`",
            fix=f"set {name}, or give a default: `${{{name}:-default}}`",
        )
        return str(match[0])
    return found
