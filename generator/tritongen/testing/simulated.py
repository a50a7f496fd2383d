"""A server that is simulated, for tests and benchmarks of searches.

Its steps behave in a way that the tuner's own simulation has to find out: their time does not grow
evenly with the batch, and measurements are noisy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tritongen.errors import EngineError
from tritongen.records.instances import instances
from tritongen.records.loadtest import PlannedLoadTest
from tritongen.records.measurement import (
    Bottleneck,
    Figures,
    Latency,
    Load,
    Measurement,
    ModelTimes,
    Server,
    StepLimit,
)
from tritongen.records.plan import Plan
from tritongen.records.profile import Profile, StepProfile, Timing
from tritongen.records.study import Setting
from tritongen.records.system import Outcome, Overheads, Station, StationOutcome, System
from tritongen.simulate import simulate, system_of
from tritongen.stages.tune import apply_setting

OVERHEADS = Overheads(send_ms=0.25, client_ms=0.5)


@dataclass(frozen=True, kw_only=True)
class Step:
    """A model whose execution of n rows takes ``fixed_ms + row_ms * n ** power``.

    ``cpu`` is the share of it that keeps a core busy.
    """

    fixed_ms: float
    row_ms: float
    power: float = 1.0
    cpu: float = 0.0
    spread: float = 0.05

    def ms(self, rows: int) -> float:
        """Return the time of an execution."""
        return self.fixed_ms + self.row_ms * float(rows**self.power)


@dataclass
class SimulatedServer:
    """Serves a plan; ``refuses``: values, by (model, parameter), with which it does not start."""

    plan: Plan
    steps: Mapping[str, Step]
    cores: float | None = None
    seed: int = 0
    noise: float = 0.009
    overheads: Overheads = OVERHEADS
    refuses: Mapping[tuple[str, str], object] = field(default_factory=dict)
    asked: int = 0

    def evaluate(self, setting: Setting, test: PlannedLoadTest, seconds: float) -> Measurement:
        """Measure a setting, with noise."""
        self.asked += 1
        for key, value in self.refuses.items():
            if setting.by_key.get(key) == value:
                raise EngineError(f"{key[0]} does not load with {key[1]} {value}")
        outcome = self.outcome(setting, test, seconds=seconds, seed=self.seed + self.asked)
        rng = _rng(self.seed, self.asked)
        faster = 1 + self.noise * float(rng.standard_normal())
        return measurement_of(apply_setting(self.plan, setting), test, outcome, self, faster)

    def outcome(
        self, setting: Setting, test: PlannedLoadTest, *, seconds: float, seed: int = 0
    ) -> Outcome:
        """Return what a setting really does."""
        plan = apply_setting(self.plan, setting)
        traffic = {each.model: each.weight for each in test.traffic}
        system = self.system(plan, traffic)
        return simulate(system, test.arrivals, seconds=seconds, warmup_s=1.0, seed=seed)

    def system(self, plan: Plan, traffic: Mapping[str, float]) -> System:
        """Return the server of a plan."""
        configs = {name: model.config for name, model in plan.models.items()}
        profile = Profile(
            steps={name: _profile(name, step) for name, step in self.steps.items()},
            cores=self.cores,
            overheads=self.overheads,
        )
        made = system_of(configs, traffic, profile, keys={name: name for name in configs})
        return replace(made, stations=tuple(self._station(each) for each in made.stations))

    def _station(self, station: Station) -> Station:
        step = self.steps[station.model]
        rows = range(1, max(station.max_batch_size, 1) + 1)
        ms = tuple(step.ms(n) for n in rows)
        return replace(station, ms=ms, cpu=step.cpu, spread=step.spread)


def _rng(*seed: int) -> Any:
    import numpy as np

    return np.random.default_rng(seed)


def _profile(name: str, step: Step) -> StepProfile:
    timing = Timing(rows=1, ms=step.ms(1), executions=1)
    return StepProfile(key=name, model=name, timings=(timing,), cpu=step.cpu, spread=step.spread)


def measurement_of(
    plan: Plan, test: PlannedLoadTest, outcome: Outcome, server: SimulatedServer, faster: float
) -> Measurement:
    """Return an outcome as a load test would have measured it."""
    seconds = outcome.seconds
    stations = {
        each.model: each for each in server.system(plan, {test.traffic[0].model: 1}).stations
    }
    models = tuple(_times(plan, stations[seen.model], seen, seconds) for seen in outcome.stations)
    used_ms = sum(
        count * stations[seen.model].ms[rows - 1] * server.steps[seen.model].cpu
        for seen in outcome.stations
        for rows, count in seen.batches.items()
    )
    return Measurement(
        load=_load(test),
        started_at="2026-01-01T00:00:00+00:00",
        window_s=seconds,
        total=_figures(outcome, faster),
        requests={},
        server=Server(
            window_s=seconds,
            models=models,
            cpu_cores=used_ms / 1000 / seconds + 0.00025 * outcome.throughput_rps,
            cores=None,
            source="simulated",
        ),
        bottleneck=Bottleneck(
            sentence="simulated",
            limit="step",
            steps=tuple(map(_limit, outcome.stations)),
            client_ms=server.overheads.client_ms + server.overheads.send_ms + 0.15,
            client_share=None,
        ),
        verdicts=(),
        distrust=(),
        partial=None,
        stable=True,
        saturated=None,
        environment={},
        client={"workers": [{"cpu": server.overheads.send_ms * outcome.throughput_rps / 1000}]},
    )


def _load(test: PlannedLoadTest) -> Load:
    paced = test.arrivals.poisson or test.arrivals.constant
    closed = test.arrivals.closed
    return Load(
        name=test.name,
        protocol=test.protocol,
        models={each.model: each.weight for each in test.traffic},
        arrivals="simulated",
        rate_rps=paced.rate if paced else None,
        users=closed.users if closed else None,
        duration_s=test.duration_s,
        warmup_s=test.warmup_s,
        seed=test.seed,
        processes=1,
    )


def _figures(outcome: Outcome, faster: float) -> Figures:
    latency = Latency(
        count=outcome.answered,
        mean_ms=outcome.mean_ms / faster,
        min_ms=0.0,
        max_ms=outcome.p99_ms * 1.5,
        p50_ms=outcome.p50_ms / faster,
        p90_ms=outcome.p90_ms / faster,
        p95_ms=outcome.p95_ms / faster,
        p99_ms=outcome.p99_ms / faster,
        p999_ms=outcome.p99_ms * 1.2 / faster,
    )
    return Figures(
        offered=outcome.offered,
        answered=outcome.answered,
        failed=0,
        unsent=0,
        rate_rps=outcome.throughput_rps * faster,
        rate_ci_rps=None,
        error_rate=0.0,
        latency=latency,
        service=latency,
        failures=(),
    )


def _times(plan: Plan, station: Station, seen: StationOutcome, seconds: float) -> ModelTimes:
    config = plan.models[seen.model].config
    executions = sum(seen.batches.values())
    alone = sum(n * count * station.ms[n - 1] for n, count in seen.batches.items())
    rows = sum(n * count for n, count in seen.batches.items())
    slowed = seen.service_ms / (alone / rows) if rows else 1.0
    return ModelTimes(
        name=seen.model,
        instances=instances(config),
        max_batch_size=config.max_batch_size,
        queue_delay_us=config.dynamic_batching.max_queue_delay_microseconds,
        batching=config.HasField("dynamic_batching"),
        requests=rows,
        failed=0,
        rows=rows,
        executions=executions,
        total_ms=seen.queue_ms + seen.service_ms,
        queue_ms=seen.queue_ms,
        compute_input_ms=0.0,
        compute_infer_ms=seen.service_ms,
        compute_output_ms=0.0,
        busy_s=seen.utilisation * station.instances * seconds,
        batches=dict(seen.batches),
        cache_hits=0,
        cache_misses=0,
        batch_ms={n: station.ms[n - 1] * slowed for n in seen.batches},
    )


def _limit(seen: StationOutcome) -> StepLimit:
    return StepLimit(
        model=seen.model,
        rate_rps=seen.rate_rps,
        service_rps=None,
        utilisation=seen.utilisation,
        queue_share=seen.queue_share,
        copy_share=0.0,
        mean_batch=seen.mean_batch,
        batch_fill=None,
        time_ms=seen.queue_ms + seen.service_ms,
    )
