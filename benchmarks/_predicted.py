"""Predicts settings by the simulator, and says how far from the measured it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks._measured import Result, configs
from benchmarks._settings import MEMBERS
from tritongen.records.loadtest import Arrivals, Paced
from tritongen.records.plan import Plan
from tritongen.records.profile import Profile
from tritongen.records.system import Outcome
from tritongen.simulate import Observation, profile_key, profiled, simulate, system_of

CORES = 2
SLOW = 0.8
"""Percentiles are held to a bound where the busiest station computes less than this."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A setting: what the simulator said, and what was measured."""

    result: Result
    outcome: Outcome

    @property
    def busiest(self) -> float:
        """The utilisation of the busiest station, as predicted."""
        return max(station.utilisation for station in self.outcome.stations)

    def errors(self) -> dict[str, float]:
        """Return by how much each prediction is too high, as a share of the measured."""
        seen = self.result.measurement
        assert seen.total.latency is not None
        pairs = {
            "throughput": (self.outcome.throughput_rps, seen.throughput_rps),
            "p50": (self.outcome.p50_ms, seen.total.latency.p50_ms),
            "p90": (self.outcome.p90_ms, seen.total.latency.p90_ms),
            "p99": (self.outcome.p99_ms, seen.total.latency.p99_ms),
        }
        return {name: said / found - 1 for name, (said, found) in pairs.items()}

    @property
    def batch(self) -> tuple[float, float]:
        """The mean batch of the station where batches are largest: predicted, measured."""
        station = max(self.outcome.stations, key=lambda each: each.mean_batch)
        server = self.result.measurement.server
        model = server.model(station.model) if server else None
        found = model.rows / model.executions if model and model.executions else 0.0
        return station.mean_batch, found


def keys(plan: Plan) -> dict[str, str]:
    """Return the profiles' keys; names stand for contents, which never change here."""
    return {name: profile_key(model.config, name) for name, model in plan.models.items()}


def achieved(result: Result) -> Arrivals:
    """Return what was sent: a load program's rate is a little below what it was told."""
    said = Arrivals.model_validate(result.setting.arrivals)
    seen = result.measurement
    if said.poisson:
        rate = seen.total.offered / seen.window_s
        return said.model_copy(update={"poisson": Paced(rate=rate)})
    return said


def observation(plan: Plan, result: Result) -> Observation:
    """Return a result as what profiles are made of."""
    return Observation(
        measurement=result.measurement,
        configs=configs(plan, result.setting),
        arrivals=achieved(result),
    )


def profiles(plans: Mapping[str, Plan], results: Sequence[Result]) -> dict[str, Profile]:
    """Return what the settings to learn from tell, by ensemble."""
    found = {}
    for ensemble in MEMBERS:
        plan = plans[ensemble]
        learned = [
            observation(plan, each)
            for each in results
            if each.setting.profile and each.setting.ensemble == ensemble
        ]
        if learned:
            found[ensemble] = profiled(learned, keys=keys(plan), cores=CORES)
    return found


def predict(plan: Plan, profile: Profile, result: Result, *, seconds: float = 20) -> Row:
    """Simulate a setting with its ensemble's profile.

    In an open loop requests come when they came in the measurement: with so few the percentiles are
    those of the draw.
    """
    setting = result.setting
    system = system_of(configs(plan, setting), {setting.ensemble: 1.0}, profile, keys=keys(plan))
    load = result.measurement.load
    if load.users is None:
        arrivals = Arrivals.model_validate(setting.arrivals)
        outcome = simulate(
            system, arrivals, seconds=load.duration_s, warmup_s=load.warmup_s, seed=load.seed
        )
    else:
        outcome = simulate(system, achieved(result), seconds=seconds, starts=3)
    return Row(result=result, outcome=outcome)
