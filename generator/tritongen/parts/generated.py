"""A generated file from its values, with what the spec's ``stack.extra`` says of it laid over."""

from collections.abc import Mapping
from typing import Any

from tritongen.formats import json, yamlfile
from tritongen.records.plan import Plan
from tritongen.records.tree import Text

Structure = Mapping[str, Any] | yamlfile.Commented


def write(plan: Plan, path: str, value: Structure, *, owner: str, head: str = "") -> Text:
    """Return the file at ``path``, in JSON or YAML by its suffix; ``head`` is YAML's comment."""
    merged = lay_over(value, extra(plan, path) or {})
    if path.endswith(".json"):
        return Text(text=json.write(merged), owner=owner)
    return Text(text=yamlfile.write(merged, head=head), owner=owner)


def end(plan: Plan, path: str) -> str:
    """Return what ``stack.extra`` adds at the end of a text, with a line end."""
    said = extra(plan, path)
    return f"\n{said.rstrip()}\n" if said else ""


def extra(plan: Plan, path: str) -> Any:
    """Return what ``stack.extra`` says of a file, ``None`` if nothing."""
    return plan.stack.extra.get(path) if plan.stack else None


def lay_over(value: Any, over: Any) -> Any:
    """Return ``value`` with ``over`` on top: mappings deeply, everything else replaced."""
    if isinstance(value, yamlfile.Commented) and isinstance(over, Mapping):
        return yamlfile.Commented(lay_over(value.values, over), value.comments)
    if not (isinstance(value, Mapping) and isinstance(over, Mapping)):
        return over
    merged = dict(value)
    for key, inner in over.items():
        merged[key] = lay_over(merged[key], inner) if key in merged else inner
    return merged
