"""What a plan is rendered to: each target gives some of the files below the output folder.

A new one is a module with ``render`` and a line in ``TARGETS``. Targets do not see each other:
names that they share stand in ``records.stack``. One that belongs to the stack gives nothing
for a plan without it.
"""

from collections.abc import Mapping
from typing import Protocol

from tritongen.parts.targets import (
    compose,
    gateway,
    grafana,
    loadtests,
    ops,
    prometheus,
    repository,
)
from tritongen.records.plan import Plan
from tritongen.records.tree import Entry


class Target(Protocol):
    """A module of this folder."""

    def render(self, plan: Plan) -> Mapping[str, Entry]:
        """Return its files by their path below the output folder."""


TARGETS: Mapping[str, Target] = {
    "repository": repository,
    "loadtests": loadtests,
    "compose": compose,
    "gateway": gateway,
    "ops": ops,
    "prometheus": prometheus,
    "grafana": grafana,
}
