"""The server's counters before and after become what each model did in between."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tritongen.records.instances import instances
from tritongen.records.measurement import ModelTimes, Server
from tritongen.records.messages import ModelConfig
from tritongen.triton import Statistics


@dataclass(frozen=True, kw_only=True)
class ServerSample:
    """The server's counters at one moment.

    ``at_s`` is on the clock of the machine (seconds since 1970), ``cpu_s`` what its processes have
    used so far, ``memory_bytes`` what they hold, ``pending`` the requests that wait for a model, by
    its name.
    """

    at_s: float
    models: tuple[Statistics, ...]
    cpu_s: float | None = None
    memory_bytes: int | None = None
    pending: Mapping[str, float] = field(default_factory=dict)


def between(
    samples: Sequence[ServerSample], begin_s: float, end_s: float
) -> Sequence[ServerSample]:
    """Return the samples of a window, without what was before it or after; none if not two."""
    inside = [each for each in samples if begin_s <= each.at_s <= end_s]
    return inside if len(inside) > 1 else ()


def server(
    samples: Sequence[ServerSample],
    configs: Mapping[str, ModelConfig],
    *,
    cores: int | None,
    source: str,
) -> Server | None:
    """Return what the models of ``configs`` did from the first of the samples to the last."""
    if len(samples) < 2:
        return None
    first, last = samples[0], samples[-1]
    window_s = last.at_s - first.at_s
    cpu = None
    if first.cpu_s is not None and last.cpu_s is not None:
        cpu = max(last.cpu_s - first.cpu_s, 0.0) / window_s
    memory = None
    if first.memory_bytes is not None and last.memory_bytes is not None:
        memory = first.memory_bytes, last.memory_bytes
    models = tuple(
        _times(config, _delta(name, first, last), _mean_pending(name, samples))
        for name, config in configs.items()
    )
    return Server(
        window_s=window_s,
        models=models,
        cpu_cores=cpu,
        cores=cores,
        source=source,
        memory_bytes=memory,
    )


def _mean_pending(name: str, samples: Sequence[ServerSample]) -> float | None:
    known = [each.pending[name] for each in samples if name in each.pending]
    return sum(known) / len(known) if known else None


def _delta(name: str, first: ServerSample, last: ServerSample) -> Mapping[str, int]:
    """Sum up what the counters of all versions of a model have grown by."""
    before = {row.version: row for row in first.models if row.name == name}
    grown: dict[str, int] = dict.fromkeys(COUNTERS, 0)
    for row in last.models:
        if row.name != name:
            continue
        old = before.get(row.version)
        # A model that was loaded again in between counts from zero.
        restarted = old is not None and old.success_count > row.success_count
        for key in COUNTERS:
            base = 0 if old is None or restarted else getattr(old, key)
            grown[key] += getattr(row, key) - base
        for size, count in row.batches.items():
            base = 0 if old is None or restarted else old.batches.get(size, 0)
            if count > base:
                grown[f"batch {size}"] = grown.get(f"batch {size}", 0) + count - base
                spent = 0 if old is None or restarted else old.batch_ns.get(size, 0)
                spent = row.batch_ns.get(size, 0) - spent
                grown[f"time of {size}"] = grown.get(f"time of {size}", 0) + spent
    return grown


COUNTERS = (
    "inference_count",
    "execution_count",
    "success_count",
    "success_ns",
    "fail_count",
    "queue_ns",
    "compute_input_ns",
    "compute_infer_ns",
    "compute_output_ns",
    "cache_hit_count",
    "cache_miss_count",
    "busy_ns",
)


def _times(config: ModelConfig, grown: Mapping[str, int], pending: float | None) -> ModelTimes:
    requests = grown["success_count"]

    def per_request(key: str) -> float:
        return grown[key] / requests / 1e6 if requests else 0.0

    return ModelTimes(
        name=config.name,
        instances=instances(config),
        max_batch_size=config.max_batch_size,
        queue_delay_us=config.dynamic_batching.max_queue_delay_microseconds,
        batching=config.HasField("dynamic_batching"),
        requests=requests,
        failed=grown["fail_count"],
        rows=grown["inference_count"],
        executions=grown["execution_count"],
        total_ms=per_request("success_ns"),
        queue_ms=per_request("queue_ns"),
        compute_input_ms=per_request("compute_input_ns"),
        compute_infer_ms=per_request("compute_infer_ns"),
        compute_output_ms=per_request("compute_output_ns"),
        busy_s=_busy_s(grown),
        batches=dict(sorted(_numbered(grown, "batch "))),
        batch_ms={
            size: spent / grown[f"batch {size}"] / 1e6
            for size, spent in sorted(_numbered(grown, "time of "))
            if spent
        },
        cache_hits=grown["cache_hit_count"],
        cache_misses=grown["cache_miss_count"],
        pending=pending,
        steps=tuple(dict.fromkeys(step.model_name for step in config.ensemble_scheduling.step)),
    )


def _busy_s(grown: Mapping[str, int]) -> float:
    """Return how long instances worked; a Prometheus does not know it, so it is estimated.

    Every request of a batch counts the whole batch's time, so their sum is divided by the mean
    number of requests in a batch.
    """
    if grown["busy_ns"]:
        return grown["busy_ns"] / 1e9
    computed = sum(grown[f"compute_{part}_ns"] for part in ("input", "infer", "output"))
    together = grown["success_count"] / grown["execution_count"] if grown["execution_count"] else 1
    return computed / max(together, 1.0) / 1e9


def _numbered(grown: Mapping[str, int], prefix: str) -> Iterator[tuple[int, int]]:
    for key, value in grown.items():
        if key.startswith(prefix):
            yield int(key.removeprefix(prefix)), value
