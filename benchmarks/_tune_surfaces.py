"""What searches are compared on: an ensemble, a load, and what may move; each is a spec."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks._flagship import SPEC
from benchmarks._settings import ENSEMBLES, SLEEP, TIMES, sleeping
from tritongen.cli.build import Request
from tritongen.cli.planning import plan_spec
from tritongen.cli.tuning import for_engine
from tritongen.records.plan import Plan

HEAD = 'tritongen: 1\nname: {name}\ntriton: "24.10"\n'
PAIR = """
ensembles:
  pair:
    steps:
      - {model: first, output: {y: a}}
      - {model: second, input: {x: a}}
loadtests:
  bench: {model: pair, arrivals: {closed: 24}, duration: 10s, lag_limit: 100%}
tune:
  loadtest: bench
  window: 2s
  constraints: {instances: 4}
  search:
    first: {max_batch_size: [4, 16], instance_group.count: [1, 2]}
    second:
      max_batch_size: [4, 8, 16]
      instance_group.count: [1, 2, 3]
      dynamic_batching.max_queue_delay_microseconds: [0, 8000]
"""
FAN = """
loadtests:
  bench: {model: fan, arrivals: {closed: 24}, duration: 10s, lag_limit: 100%}
tune:
  loadtest: bench
  window: 2s
  constraints: {instances: 9}
  search:
"""
MOVING = """    {name}:
      max_batch_size: [2, 4, 8, 16]
      instance_group.count: [1, 2, 3]
      dynamic_batching.max_queue_delay_microseconds: [0, 2000, 4000, 8000]
"""
FLAGSHIP = """
loadtests:
  bench: {model: filetype, data: FILES, arrivals: {closed: 16}, duration: 10s,
          lag_limit: 100%}
tune:
  loadtest: bench
  search:
    features: {instance_group.count: [1, 2]}
    classifier:
      max_batch_size: [1, 2, 4, 8, 16]
      instance_group.count: [1, 2]
      dynamic_batching.max_queue_delay_microseconds: [0, 5000]
      parameters.intra_op_thread_count: [1, 2]
    verdict: pinned
"""


@dataclass(frozen=True, kw_only=True)
class Surface:
    """``realtime``: its steps sleep, so that it can be measured beside others, before them.

    ``caps``: limits of the 95th percentile, ms, where not every setting is measured.
    """

    name: str
    spec: str
    realtime: bool
    caps: Mapping[str, float] = field(default_factory=dict)

    def plan(self, folder: Path) -> Plan:
        """Plan it; ``folder`` gets what the spec needs."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.yaml"
        path.write_text(self.spec)
        (folder / "sleep.py").write_text(SLEEP)
        spec, overlays = (SPEC, (path,)) if self.name == "flagship" else (path, ())
        plan, _ = plan_spec(Request.of(spec, overlays, folder / "built", strict=False))
        return for_engine(plan)


def _pair() -> str:
    return "models:\n" + "".join(sleeping(name, *TIMES[name]) for name in ("first", "second"))


def _fan() -> str:
    names = ("begin", "left", "right", "meet", "end")
    models = "".join(sleeping(name, *TIMES[name]) for name in names)
    fan = "ensembles:\n  fan:\n    steps:" + ENSEMBLES.partition("  fan:")[2].partition("steps:")[2]
    moving = "".join(MOVING.format(name=name) for name in names)
    return f"models:\n{models}{fan}{FAN}{moving}"


SURFACES = {
    each.name: each
    for each in (
        Surface(name="pair", spec=HEAD.format(name="pair") + _pair() + PAIR, realtime=True),
        Surface(
            name="flagship",
            spec=FLAGSHIP.replace("FILES", str(SPEC.parent / "examples" / "files")),
            realtime=False,
        ),
        Surface(
            name="fan",
            spec=HEAD.format(name="fan") + _fan(),
            realtime=True,
            # 2, 1.3 and 1.1 times the least that the simulator finds in the better half of 160.
            caps={"loose": 116, "medium": 76, "tight": 64},
        ),
    )
}
