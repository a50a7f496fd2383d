"""Backends whose tensors never vary."""

from collections.abc import Iterator, Mapping

from tritongen.parts.backends._backend import Check, Problem, declared
from tritongen.records.messages import ModelConfig

Tensors = Mapping[str, str]
"""Name -> type and dims in the spec's short form, in the backend's own order."""


def exactly(backend: str, inputs: Tensors, outputs: Tensors) -> Check:
    """Return a check that a configuration declares these tensors, in this order."""

    def check(config: ModelConfig, _: object) -> Iterator[Problem]:
        found: dict[str, list[str]] = {"input": [], "output": []}
        for section, name, _ in declared(config):
            found[section].append(name)
        for section, wanted in (("input", inputs), ("output", outputs)):
            if found[section] != list(wanted):
                yield Problem(
                    section="input" if section == "input" else "output",
                    name=None,
                    message=f"the {backend} backend has the {section}s {', '.join(wanted)}, "
                    "in this order",
                    fix=f"write {_short(wanted)}",
                )

    return check


def _short(tensors: Tensors) -> str:
    items = (f'{name}: "{kind}"' for name, kind in tensors.items())
    return "{" + ", ".join(items) + "}"
