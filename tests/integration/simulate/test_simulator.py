"""The simulator, held to the real server: with the service times seen meanwhile, it tells the rest.

So a machine that does other things and slows all steps down does not matter much. How well it tells
configurations that were never measured is what `python -m benchmarks simulator` says.
"""

import statistics
from pathlib import Path

import pytest
from benchmarks._measured import Result, served, sleeping_plan
from benchmarks._predicted import keys, observation, predict
from benchmarks._settings import Setting, closed, poisson

from tritongen.simulate import profiled

pytestmark = [pytest.mark.server, pytest.mark.slow]

SETTINGS = [
    Setting(ensemble="chain", arrivals=closed(8), models={"second": {"count": 2}}),
    Setting(ensemble="chain", arrivals=closed(16), models={"second": {"size": 4, "delay": 20000}}),
    Setting(ensemble="chain", arrivals=closed(12), models={"first": {"batching": False}}),
    Setting(ensemble="chain", arrivals=poisson(40), models={"second": {"size": 8, "count": 2}}),
]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    """One server for all settings, which are loaded while it runs."""
    folder: Path = tmp_path_factory.mktemp("simulate") / "sleeping"
    plan = sleeping_plan(folder)
    with served(plan, folder, seconds=3) as bench:
        bench.measure(SETTINGS[0])  # a first one warms up
        return [bench.measure(setting) for setting in SETTINGS]


def test_throughput_and_latency_follow_from_service_times_and_the_rules_of_the_batcher(
    measured: list[Result], tmp_path: Path
) -> None:
    plan = sleeping_plan(tmp_path / "sleeping")
    errors = []
    for result in measured:
        profile = profiled([observation(plan, result)], keys=keys(plan), cores=2)
        errors.append(predict(plan, profile, result, seconds=10).errors())
        print(result.setting.name, errors[-1], f"late by {result.late_ms:.1f} ms")
    assert statistics.median(abs(each["throughput"]) for each in errors) < 0.15
    assert statistics.median(abs(each["p50"]) for each in errors) < 0.3


def test_the_configurations_were_those_that_the_server_had(measured: list[Result]) -> None:
    for result in measured:
        server = result.measurement.server
        assert server is not None
        seen = server.model("second")
        assert seen is not None
        said = result.setting.models.get("second", {})
        assert max(seen.batches) <= said.get("size", 16)
        assert (seen.instances, seen.queue_delay_us) == (said.get("count", 1), said.get("delay", 0))
        assert seen.batch_ms.keys() == seen.batches.keys()
        assert all(ms > 16 for ms in seen.batch_ms.values())
