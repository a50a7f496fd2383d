"""The settings that the simulator is held to: ensembles of steps that sleep, and the flagship.

A step that sleeps a + b n ms for n rows is like one on a GPU: it needs no core while it works.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

Said = Mapping[str, Any]
Loaded = tuple[Said, Mapping[str, Said]]
"""Arrivals, and what differs in each model."""

SLEEP = '''"""Takes its time, and gives what it got."""

import time


def sleep(x, *, context):
    said = context.parameters
    time.sleep((float(said["fixed_ms"]) + float(said["row_ms"]) * len(x)) / 1000)
    return {"y": x}


def join(x, z, *, context):
    return sleep(x, context=context)
'''
TIMES = {
    "alone": (10, 1),
    "first": (6, 0.6),
    "second": (16, 2),
    "third": (4, 0.2),
    "begin": (4, 0.4),
    "left": (12, 1),
    "right": (8, 2),
    "meet": (6, 0.6),
    "end": (2, 0.2),
}
"""ms of each sleeping step: fixed, and for each row."""
MEMBERS = {
    "alone": ("alone",),
    "chain": ("first", "second", "third"),
    "fan": ("begin", "left", "right", "meet", "end"),
    "filetype": ("features", "classifier", "verdict"),
}
ENSEMBLES = """
ensembles:
  chain:
    max_batch_size: 1
    steps:
      - {model: first, output: {y: a}}
      - {model: second, input: {x: a}, output: {y: b}}
      - {model: third, input: {x: b}}
  fan:
    max_batch_size: 1
    steps:
      - {model: begin, output: {y: a}}
      - {model: left, input: {x: a}, output: {y: b}}
      - {model: right, input: {x: a}, output: {y: c}}
      - {model: meet, input: {x: b, z: c}, output: {y: d}}
      - {model: end, input: {x: d}}
"""


def sleeping_spec() -> str:
    """Return a spec of the ensembles of steps that sleep."""
    models = "".join(sleeping(name, *times) for name, times in TIMES.items())
    loads = "".join(
        f"  {name}: {{model: {name}, arrivals: {{closed: 1}}, duration: 5s, lag_limit: 100%}}\n"
        for name in ("alone", "chain", "fan")
    )
    head = 'tritongen: 1\nname: sleeping\ntriton: "24.10"\n'
    return f"{head}models:\n{models}{ENSEMBLES}loadtests:\n{loads}"


def sleeping(name: str, fixed_ms: float, row_ms: float) -> str:
    """Return the model of a step that sleeps."""
    function, more = ("join", ', z: "FP32[4]"') if name == "meet" else ("sleep", "")
    return (
        f"  {name}:\n    python: sleep.py:{function}\n"
        f'    input: {{x: "FP32[4]"{more}}}\n    output: {{y: "FP32[4]"}}\n'
        "    max_batch_size: 16\n    dynamic_batching: {}\n"
        "    instance_group: {kind: cpu, count: 1}\n"
        f'    parameters: {{fixed_ms: "{fixed_ms}", row_ms: "{row_ms}"}}\n'
    )


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is served and sent: ``models`` says what differs from the spec, by model.

    ``size``: max_batch_size, ``count``: instances, ``delay``: microseconds, ``preferred``: sizes,
    ``batching``: whether there is a dynamic batcher. ``profile``: it is measured to learn from.
    """

    ensemble: str
    arrivals: Said
    models: Mapping[str, Said] = field(default_factory=dict)
    profile: bool = False

    @property
    def name(self) -> str:
        """Say the setting on a line."""
        said = [f"{law} {_short(value)}" for law, value in self.arrivals.items()]
        said += [f"{model}({_short(each)})" for model, each in self.models.items()]
        return " ".join([self.ensemble, "profile" if self.profile else "", *said]).replace(
            "  ", " "
        )


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={_short(each)}" for key, each in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "/".join(map(str, value))
    return str(value)


def closed(users: int) -> Said:
    """Return arrivals of so many users."""
    return {"closed": {"users": str(users)}}


def poisson(rate: float) -> Said:
    """Return arrivals at random, so many a second."""
    return {"poisson": {"rate": f"{rate}/s"}}


def constant(rate: float) -> Said:
    """Return arrivals at equal distances."""
    return {"constant": {"rate": f"{rate}/s"}}


def burst(size: int, every: str) -> Said:
    """Return arrivals in bursts."""
    return {"burst": {"size": str(size), "every": every}}


def settings() -> list[Setting]:
    """Return all of them; those to learn from stand before those that they tell."""
    return [*_alone(), *_chain(), *_fan(), *_flagship()]


def _profiles(ensemble: str, *users: int) -> list[Setting]:
    return [Setting(ensemble=ensemble, arrivals=closed(each), profile=True) for each in users]


def _alone() -> list[Setting]:
    each: list[tuple[Said, Said]] = [
        (closed(8), {"size": 4}),
        (closed(16), {"size": 8}),
        (closed(32), {"count": 2}),
        (closed(16), {"delay": 10000}),
        (closed(24), {"delay": 6000, "preferred": [4, 8]}),
        (closed(24), {"preferred": [4]}),
        (closed(8), {"batching": False, "count": 2}),
        (closed(6), {"delay": 8000, "size": 8, "count": 2}),
        (poisson(50), {"size": 8}),
        (poisson(150), {"size": 8}),
        (poisson(200), {"delay": 20000}),
        (poisson(125), {"count": 2, "size": 4, "preferred": [2], "delay": 6000}),
        (poisson(45), {"batching": False}),
        (constant(125), {"size": 8, "delay": 4000}),
        (burst(20, "400ms"), {"size": 8}),
        (burst(12, "200ms"), {"size": 8, "count": 2, "delay": 8000}),
    ]
    made = [Setting(ensemble="alone", arrivals=load, models={"alone": said}) for load, said in each]
    return [*_profiles("alone", 1, 6, 32), *made]


def _chain() -> list[Setting]:
    each: list[Loaded] = [
        (closed(8), {}),
        (closed(32), {}),
        (closed(32), {"second": {"count": 2}}),
        (closed(32), {"second": {"count": 3, "size": 4}}),
        (closed(16), {"second": {"delay": 10000}}),
        (closed(24), {"second": {"size": 8, "delay": 20000}, "first": {"delay": 4000}}),
        (closed(24), {"second": {"count": 2, "preferred": [8]}, "third": {"size": 4}}),
        (closed(12), {"first": {"batching": False}, "second": {"count": 2}}),
        (poisson(50), {}),
        (poisson(100), {"second": {"size": 8, "count": 2}}),
        (poisson(125), {"second": {"count": 3, "size": 4}, "first": {"count": 2}}),
        (poisson(150), {"second": {"count": 2, "delay": 12000}}),
        (poisson(75), {"second": {"preferred": [4, 8], "delay": 10000, "count": 2}}),
        (burst(16, "500ms"), {"second": {"count": 2}}),
    ]
    made = [Setting(ensemble="chain", arrivals=load, models=said) for load, said in each]
    return [*_profiles("chain", 1, 6, 32), *made]


def _fan() -> list[Setting]:
    each: list[Loaded] = [
        (closed(8), {}),
        (closed(24), {}),
        (closed(24), {"right": {"count": 2}, "left": {"count": 2}}),
        (closed(16), {"right": {"size": 4, "delay": 8000}, "left": {"size": 4}}),
        (closed(32), {"right": {"count": 2, "size": 8}, "left": {"delay": 6000, "size": 8}}),
        (closed(16), {"meet": {"delay": 6000}, "right": {"count": 2, "size": 4}}),
        (poisson(40), {}),
        (poisson(80), {"right": {"count": 2}}),
        (poisson(100), {"right": {"count": 2, "size": 8}, "left": {"count": 2, "size": 4}}),
        (poisson(75), {"right": {"count": 2, "delay": 6000, "size": 8}}),
    ]
    made = [Setting(ensemble="fan", arrivals=load, models=said) for load, said in each]
    return [*_profiles("fan", 1, 6, 24), *made]


def _flagship() -> list[Setting]:
    users: list[Loaded] = [
        (closed(size * 2), {"classifier": {"size": size, "count": count}})
        for size, count in product((2, 8), (1, 2))
    ]
    each: list[Loaded] = [
        *users,
        (closed(2), {}),
        (closed(12), {"classifier": {"size": 4, "count": 3}}),
        (closed(32), {"classifier": {"size": 32}}),
        (closed(16), {"classifier": {"delay": 10000, "size": 8}}),
        (closed(16), {"classifier": {"preferred": [4], "size": 16}}),
        (closed(16), {"classifier": {"count": 1}, "features": {"count": 2}}),
        (poisson(30), {}),
        (poisson(60), {}),
        (poisson(60), {"classifier": {"count": 1}}),
        (poisson(50), {"classifier": {"size": 4, "delay": 10000}}),
        (poisson(80), {"classifier": {"size": 8}}),
        (constant(60), {"classifier": {"size": 2, "delay": 5000}}),
    ]
    made = [Setting(ensemble="filetype", arrivals=load, models=said) for load, said in each]
    return [*_profiles("filetype", 1, 4, 32), *made]
