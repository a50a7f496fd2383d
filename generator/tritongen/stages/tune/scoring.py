"""What a measured or simulated setting is worth, and what it takes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from tritongen.parts import backends
from tritongen.records.instances import instances
from tritongen.records.measurement import Figures, Measurement
from tritongen.records.messages import ModelConfig, ModelInstanceGroup
from tritongen.records.plan import Plan, PlannedModel
from tritongen.records.study import Host, Score
from tritongen.records.system import Outcome
from tritongen.records.tree import Copy
from tritongen.records.tune import Limits, PlannedTune, Prices

LATENCIES = ("p50", "p90", "p95", "p99", "p999")
PYTHON_BYTES = 256 << 20
"""A Python model's process with NumPy and the like."""
WEIGHTS = 2
"""A model in memory, for each instance: its weights, and what the runtime makes of them."""
NO_ANSWER_MS = 1e6
KEPT_UP = 0.95
"""Of the requests of an open load test so many are answered before it ends."""
GENERATOR = "generator"
LIMITED = frozenset({"cpu", "worker-lost"})
"""Why a load program can't have sent what it should. That it woke up late only adds to latencies,
which happens whenever a server fills the cores that both share."""


class NotTrustedError(Exception):
    """A measurement that says more of the load program than of the server; the text says why."""


def measured_score(
    plan: Plan, tune: PlannedTune, host: Host, measurement: Measurement
) -> tuple[Score, dict[str, float]]:
    """Return the score of a measurement of ``plan``, and all limits' ratios.

    Raises:
        NotTrustedError: the load program was the limit.
    """
    why = distrusted(measurement)
    if why:
        raise NotTrustedError(why)
    total = measurement.total
    latency = {name: _latency(total, name) for name in LATENCIES}
    ratios = dict(_ratios(tune.limits, total.rate_rps, latency, total.error_rate))
    if measurement.load.rate_rps is not None:
        ratios["rate"] = _behind(total.offered, total.answered)
    for verdict in measurement.verdicts:  # of a mix every model has limits of its own
        if len(measurement.load.models) > 1 and verdict.requests in measurement.load.models:
            kept = 0.99 if verdict.kept else 2.0
            ratio = verdict.found / verdict.limit if verdict.found and verdict.limit else kept
            name = f"{verdict.metric} of {verdict.requests}"
            ratios[name] = min(ratio, 1.0) if verdict.kept else max(ratio, 1.0 + 1e-6)
    return _scored(plan, tune, host, total.rate_rps, latency, total.error_rate, ratios)


def distrusted(measurement: Measurement) -> str:
    """Say why a measurement tells nothing of the server; empty if it does."""
    reasons = measurement.client.get("distrust", ())
    told = [str(each["message"]) for each in reasons if each["reason"] in LIMITED]
    if told:
        return told[0]
    if measurement.bottleneck and measurement.bottleneck.limit == GENERATOR:
        return measurement.bottleneck.sentence
    return ""


def simulated_score(
    plan: Plan, tune: PlannedTune, host: Host, outcome: Outcome, *, paced: bool
) -> tuple[Score, dict[str, float]]:
    """Return the score of a simulation of ``plan``, and all limits' ratios."""
    latency = {
        "p50": outcome.p50_ms,
        "p90": outcome.p90_ms,
        "p95": outcome.p95_ms,
        "p99": outcome.p99_ms,
        "p999": outcome.p99_ms,
    }
    latency = {name: min(ms, NO_ANSWER_MS) for name, ms in latency.items()}
    ratios = dict(_ratios(tune.limits, outcome.throughput_rps, latency, 0.0))
    if paced:
        ratios["rate"] = _behind(outcome.offered, outcome.answered)
    return _scored(plan, tune, host, outcome.throughput_rps, latency, 0.0, ratios)


def _behind(offered: int, answered: int) -> float:
    """Return the ratio of a limit that nobody has to say: a server keeps up with its rate."""
    return KEPT_UP * offered / max(answered, 1)


def _latency(figures: Figures, name: str) -> float:
    found = getattr(figures.latency, f"{name}_ms") if figures.latency else None
    return NO_ANSWER_MS if found is None else float(found)


def _ratios(
    limits: Limits, rps: float, latency: Mapping[str, float], error_rate: float
) -> Iterator[tuple[str, float]]:
    for name in LATENCIES:
        limit = getattr(limits, name)
        if limit is not None:
            yield name, latency[name] / (1000 * limit)
    if limits.throughput is not None:
        yield "throughput", limits.throughput / max(rps, 1e-9)
    if limits.error_rate is not None:
        allowed = max(limits.error_rate, 1e-9)
        yield "error_rate", error_rate / allowed


def _scored(
    plan: Plan,
    tune: PlannedTune,
    host: Host,
    rps: float,
    latency: Mapping[str, float],
    error_rate: float,
    ratios: dict[str, float],
) -> tuple[Score, dict[str, float]]:
    taken = resources(plan, host)
    for name in ("memory", "instances", "cores", "gpus"):
        limit = getattr(tune.limits, name)
        if limit is not None:
            found = taken[name]
            ratios[name] = found / limit if limit else 1.0 + found
    score = Score(
        throughput_rps=rps,
        p50_ms=latency["p50"],
        p99_ms=latency["p99"],
        error_rate=error_rate,
        instances=int(taken["instances"]),
        cores=taken["cores"],
        gpus=int(taken["gpus"]),
        memory_bytes=int(taken["memory"]),
        cost_per_million=cost_per_million(tune.prices, taken["cores"], taken["gpus"], rps),
        exceeded={name: ratio for name, ratio in ratios.items() if ratio > 1},
    )
    return score, ratios


def cost_per_million(prices: Prices, cores: float, gpus: float, rps: float) -> float:
    """Return the price of a million answers on cores and GPUs that are paid by the hour."""
    hourly = prices.core * cores + prices.gpu * gpus
    return hourly / 3600 / max(rps, 1e-9) * 1e6


def resources(plan: Plan, host: Host) -> dict[str, float]:
    """Return what the models of a plan may keep busy: ``memory`` (estimated), ``instances``..."""
    served = [model for model in plan.models.values() if model.kind in ("model", "step")]
    gpus: set[int] = set()
    cores = memory = 0.0
    for model in served:
        count = instances(model.config)
        memory += count * _bytes(model)
        kinds = {group.kind for group in model.config.instance_group}
        on_gpu = ModelInstanceGroup.KIND_GPU in kinds or (not kinds and host.gpus > 0)
        if on_gpu:
            named = {gpu for group in model.config.instance_group for gpu in group.gpus}
            gpus |= named or set(range(max(host.gpus, 1)))
        else:
            cores += count * _threads(model.config, host)
    return {
        "memory": memory,
        "instances": float(sum(instances(model.config) for model in served)),
        "cores": cores,
        "gpus": float(len(gpus)),
    }


def _bytes(model: PlannedModel) -> float:
    weights = sum(each.size_bytes for each in model.content.values() if isinstance(each, Copy))
    is_python = backends.name_of(model.config) == "python"
    return WEIGHTS * weights + (PYTHON_BYTES if is_python else 0)


def _threads(config: ModelConfig, host: Host) -> float:
    if backends.name_of(config) != "onnxruntime":
        return 1.0
    said = (
        config.parameters["intra_op_thread_count"].string_value
        if ("intra_op_thread_count" in config.parameters)
        else ""
    )
    return float(said) if said.isdecimal() and int(said) else float(host.cores or 1)


def mean_of(scores: Sequence[Score]) -> Score:
    """Return what several measurements of a setting say together; limits are the first one's."""
    return replace(
        scores[0],
        throughput_rps=fmean(score.throughput_rps for score in scores),
        p50_ms=fmean(score.p50_ms for score in scores),
        p99_ms=fmean(score.p99_ms for score in scores),
        error_rate=fmean(score.error_rate for score in scores),
        cost_per_million=fmean(score.cost_per_million for score in scores),
    )
