"""Measurements become a profile: what each step takes alone, seen through what slowed it down."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tritongen.records.loadtest import Arrivals
from tritongen.records.measurement import Measurement, ModelTimes, Server
from tritongen.records.messages import ModelConfig, ModelInstanceGroup
from tritongen.records.profile import Profile, StepProfile, Timing
from tritongen.records.system import Overheads
from tritongen.simulate.simulation import simulate
from tritongen.simulate.systems import system_of

TURNS = 3
"""So often the simulation is asked how much the steps slowed each other down."""
SECONDS, SHORTEST_S = 5.0, 0.5
REQUESTS = 2000
"""What is simulated for that: so long, or for so many requests where they come fast."""
NORMAL_P90 = 1.28
"""So many standard deviations above its mean a normal law has its 90th percentile."""
SPREAD, MOST_SPREAD = 0.03, 0.5
SERIAL = 0.6
"""The part of the load program's work that its users do one after another, as Python does."""
THREADS = "intra_op_thread_count"
FRONT_MS = 0.25
"""What the server itself computes for a request: it receives, passes on and answers."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """A measurement, and what was served and sent meanwhile: all configurations, weights, rows."""

    measurement: Measurement
    configs: Mapping[str, ModelConfig]
    arrivals: Arrivals
    rows: tuple[int, int] = (1, 1)


def profile_key(config: ModelConfig, content: str) -> str:
    """Return a key of all that determines how long a model takes.

    ``content`` is a hash of its files. Instances, batch sizes and delays do not count.
    """
    said = ModelConfig(
        backend=config.backend,
        platform=config.platform,
        default_model_filename=config.default_model_filename,
        optimization=config.optimization,
    )
    for group in config.instance_group:
        kind = ModelInstanceGroup(kind=group.kind, gpus=group.gpus, profile=group.profile)
        said.instance_group.append(kind)
    parameters = sorted((key, value.string_value) for key, value in config.parameters.items())
    parts = (content, said.SerializeToString(deterministic=True).hex(), repr(parameters))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def merged(*profiles: Profile) -> Profile:
    """Return all steps of several profiles; timings of one step are put together.

    Overheads and cores are those of the last.
    """
    steps: dict[str, StepProfile] = {}
    for profile in profiles:
        for key, step in profile.steps.items():
            known = steps[key].timings if key in steps else ()
            steps[key] = replace(step, timings=(*known, *step.timings))
    last = profiles[-1] if profiles else Profile()
    return replace(last, steps=steps)


def profiled(
    observations: Sequence[Observation],
    *,
    keys: Mapping[str, str],
    cores: float | None,
    known: Profile | None = None,
) -> Profile:
    """Return what the measurements tell of every model that was executed, with what was known.

    ``cores`` are those that server and load program share, ``None`` if nothing is short of them.
    """
    seen = [each for each in observations if each.measurement.server]
    names = {model.name for each in seen for model in _models(each)}
    # From above: who is taken to compute all the time is slowed down, and then found out.
    shares = dict.fromkeys(names, 0.0 if cores is None else 1.0)
    slowed: list[Mapping[str, float]] = [{} for _ in seen]
    spread = _spread(seen, known)

    def joined() -> Profile:
        steps = _steps(seen, keys, shares, slowed, spread)
        found = Profile(steps=steps, cores=cores, overheads=_overheads(seen, known))
        return merged(known, found) if known else found

    profile = joined()
    for _ in range(TURNS if cores is not None else 0):
        slowed = [_slowed(each, profile, keys) for each in seen]
        shares = _shares(seen, slowed)
        profile = joined()
    return profile


def _steps(
    seen: Sequence[Observation],
    keys: Mapping[str, str],
    shares: Mapping[str, float],
    slowed: Sequence[Mapping[str, float]],
    spread: float,
) -> dict[str, StepProfile]:
    steps: dict[str, StepProfile] = {}
    for each, factors in zip(seen, slowed, strict=True):
        for model in _models(each):
            key, config = keys[model.name], each.configs[model.name]
            before = steps[key].timings if key in steps else ()
            timings = (*before, *_timings(each, model, factors.get(model.name, 1.0)))
            steps[key] = StepProfile(
                key=key,
                model=model.name,
                timings=timings,
                cpu=shares[model.name],
                threads=_threads(config),
                gpu=_infer_share(model),
                spread=spread,
            )
    return steps


def _server(seen: Observation) -> Server:
    assert seen.measurement.server is not None, "others are left out at the beginning"
    return seen.measurement.server


def _models(seen: Observation) -> list[ModelTimes]:
    """Return the models that were executed; an ensemble has no executions of its own."""
    return [model for model in _server(seen).models if model.executions and not model.steps]


def _infer_share(model: ModelTimes) -> float:
    """Return the share of an execution that is computing, not copying."""
    whole = model.compute_input_ms + model.compute_infer_ms + model.compute_output_ms
    return model.compute_infer_ms / whole if whole else 1.0


def _timings(seen: Observation, model: ModelTimes, slowed: float) -> list[Timing]:
    busy = model.busy_s / _server(seen).window_s
    return [
        Timing(rows=rows, ms=ms, executions=model.batches[rows], busy=busy, slowed=slowed)
        for rows, ms in model.batch_ms.items()
    ]


def _spread(seen: Sequence[Observation], known: Profile | None) -> float:
    """Return how executions vary: as a lone user's latencies, which wait for nothing else."""
    lone = [each for each in seen if each.measurement.load.users == 1]
    for each in lone:
        latency = each.measurement.total.latency
        times = [model.total_ms for model in _models(each)]
        if latency and times and sum(times):
            varies = (latency.p90_ms - latency.p50_ms) / NORMAL_P90
            # Independent steps vary less together than each.
            return float(min(varies / sum(time**2 for time in times) ** 0.5, MOST_SPREAD))
    return next((step.spread for step in known.steps.values()), SPREAD) if known else SPREAD


def _threads(config: ModelConfig) -> int:
    if THREADS not in config.parameters:  # asking a protobuf map for it would put it there
        return 1
    said = config.parameters[THREADS].string_value
    return max(int(said), 1) if said.isdecimal() else 1


def _shares(seen: Sequence[Observation], slowed: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return which part of each model's time is computing, from the server's processor time.

    What the measurements leave open is taken to be alike in all models.
    """
    import numpy as np

    names = sorted({model.name for each in seen for model in _models(each)})
    pairs = zip(seen, slowed, strict=True)
    known = [(each, how) for each, how in pairs if _server(each).cpu_cores is not None]
    if not known or not names:
        return dict.fromkeys(names, 1.0)
    busy = np.array([_busy_cores(each, how, names) for each, how in known])
    used = np.array([_step_cores(each) for each, _ in known])
    alike = float(np.clip(used.sum() / max(busy.sum(), 1e-9), 0.0, 1.0))
    doubt = 0.1 * busy.mean() * np.eye(len(names))
    rows = np.vstack([busy, doubt])
    solved = np.linalg.lstsq(rows, np.append(used, doubt.sum(axis=1) * alike), rcond=None)[0]
    return dict(zip(names, np.clip(solved, 0.0, 1.0).tolist(), strict=True))


def _busy_cores(
    seen: Observation, slowed: Mapping[str, float], names: Sequence[str]
) -> list[float]:
    busy = {model.name: model.busy_s / slowed.get(model.name, 1.0) for model in _models(seen)}
    window_s = _server(seen).window_s
    return [busy.get(name, 0.0) / window_s * _threads(seen.configs[name]) for name in names]


def _step_cores(seen: Observation) -> float:
    """Return how many cores the models kept busy: without what receives and answers."""
    front = FRONT_MS * seen.measurement.throughput_rps / 1000
    return max((_server(seen).cpu_cores or 0.0) - front, 0.0)


def _overheads(seen: Sequence[Observation], known: Profile | None) -> Overheads:
    """Return what a request costs besides its executions: the least that was ever found.

    The client's own time is told best where it was busiest: some of it does not come from requests.
    The time outside the server is told best where nothing queued there.
    """
    usual = Overheads()
    used = [_client_cpu_ms(each.measurement) for each in seen]
    spent_ms = min([each for each in used if each > 0], default=usual.send_ms / SERIAL)
    send_ms = SERIAL * spent_ms
    outside = [
        each.measurement.bottleneck.client_ms
        for each in seen
        if each.measurement.bottleneck and each.measurement.bottleneck.client_ms is not None
    ]
    serial_ms = send_ms + usual.receive_ms + usual.answer_ms
    client_ms = min(outside, default=usual.client_ms + serial_ms) - serial_ms
    found = replace(
        usual, send_ms=send_ms, client_ms=max(client_ms, 0.0), cpu_ms=spent_ms + FRONT_MS
    )
    if known is None or not known.steps:
        return found
    return replace(
        found,
        send_ms=min(found.send_ms, known.overheads.send_ms),
        client_ms=min(found.client_ms, known.overheads.client_ms),
        cpu_ms=min(found.cpu_ms, known.overheads.cpu_ms),
    )


def _client_cpu_ms(measurement: Measurement) -> float:
    """Return the load program's processor time for one request."""
    shares = [float(worker.get("cpu", 0.0)) for worker in measurement.client.get("workers", ())]
    return 1000 * sum(shares) / max(measurement.throughput_rps, 1e-9)


def _slowed(seen: Observation, profile: Profile, keys: Mapping[str, str]) -> dict[str, float]:
    """Return how many times longer each model took than alone, by the simulation."""
    traffic = seen.measurement.load.models
    system = system_of(seen.configs, traffic, profile, keys=keys, rows=seen.rows)
    rate = max(seen.measurement.throughput_rps, 1e-6)
    seconds = min(max(REQUESTS / rate, SHORTEST_S), SECONDS)
    outcome = simulate(system, seen.arrivals, seconds=seconds, warmup_s=0.2 * seconds)
    slowed = {}
    for station, was in zip(system.stations, outcome.stations, strict=True):
        last = len(station.ms)
        alone = [
            (rows * count, station.ms[min(rows, last) - 1]) for rows, count in was.batches.items()
        ]
        weight = sum(count for count, _ in alone)
        mean = sum(count * ms for count, ms in alone) / weight if weight else 0.0
        slowed[station.model] = max(was.service_ms / mean, 1.0) if mean else 1.0
    return slowed
