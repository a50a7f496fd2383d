"""What can be asked of Prometheus: Triton's metrics, the gateway's, and what our rules record.

A metric or a rule ``needs`` parts of a deployment (``PARTS``); where one is missing there is no
such series. Times are recorded in seconds, whatever Triton's unit is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tritongen.records.release import Release

WINDOW = "1m"
"""How far back recorded rates look: at least four scrapes."""

PARTS = {
    "gateway": "HAProxy stands before the servers",
    "ensembles": "there is an ensemble",
    "response_cache": "a model answers from the response cache",
    "local_cache": "the server has a local response cache",
    "gpu": "the servers have GPUs",
    "first_responses": "a decoupled model, whose first response Triton times (since 24.11)",
    "load_times": "Triton tells how long a model took to load (since 24.11)",
    "pinned_memory": "Triton tells of its pinned memory (since 24.01)",
    "slo_errors": "an objective for failures",
    "slo_latency": "an objective for latency",
}


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric as it is scraped from ``job``; ``labels`` besides ``job`` and ``instance``."""

    name: str
    type: Literal["counter", "gauge", "histogram", "summary"]
    unit: str
    help: str
    labels: tuple[str, ...] = ()
    job: Literal["triton", "gateway", "prometheus"] = "triton"
    needs: str | None = None

    def lacks(self, release: Release) -> str | None:
        """Return in words why a release does not emit it, or ``None`` if it does."""
        return release.lacks(f"metric:{self.name}") if self.job == "triton" else None


MODEL = ("model", "version")
CACHE = "response_cache"
LOCAL = "local_cache"
SUMMARY = (*MODEL, "quantile")

METRICS = (
    Metric(
        name="nv_inference_request_success",
        type="counter",
        unit="requests",
        labels=MODEL,
        help="requests answered, cache hits and warm-up included",
    ),
    Metric(
        name="nv_inference_request_failure",
        type="counter",
        unit="requests",
        labels=(*MODEL, "reason"),
        help="requests that failed; a full queue's rejections are in no counter",
    ),
    Metric(
        name="nv_inference_count",
        type="counter",
        unit="inferences",
        labels=MODEL,
        help="inferences done: a request of batch size 8 counts 8; cache hits are left out",
    ),
    Metric(
        name="nv_inference_exec_count",
        type="counter",
        unit="executions",
        labels=MODEL,
        help="times the backend ran a batch; cache hits are left out",
    ),
    Metric(
        name="nv_inference_request_duration_us",
        type="counter",
        unit="us",
        labels=MODEL,
        help="time of successful requests from end to end",
    ),
    Metric(
        name="nv_inference_queue_duration_us",
        type="counter",
        unit="us",
        labels=MODEL,
        help="time that requests waited before they were executed",
    ),
    Metric(
        name="nv_inference_compute_input_duration_us",
        type="counter",
        unit="us",
        labels=MODEL,
        help="time to prepare inputs, once for each request of a batch",
    ),
    Metric(
        name="nv_inference_compute_infer_duration_us",
        type="counter",
        unit="us",
        labels=MODEL,
        help="time in the model, once for each request of a batch",
    ),
    Metric(
        name="nv_inference_compute_output_duration_us",
        type="counter",
        unit="us",
        labels=MODEL,
        help="time to take out outputs, once for each request of a batch",
    ),
    Metric(
        name="nv_inference_pending_request_count",
        type="gauge",
        unit="requests",
        labels=MODEL,
        help="requests that wait; always 0 for an ensemble, whose steps have the queues",
    ),
    Metric(
        name="nv_inference_request_summary_us",
        type="summary",
        unit="us",
        labels=SUMMARY,
        help="quantiles of requests' time over the last minute; not for cached models",
    ),
    Metric(
        name="nv_inference_queue_summary_us",
        type="summary",
        unit="us",
        labels=SUMMARY,
        help="quantiles of the time in the queue",
    ),
    Metric(
        name="nv_inference_compute_input_summary_us",
        type="summary",
        unit="us",
        labels=SUMMARY,
        help="quantiles of the time to prepare inputs",
    ),
    Metric(
        name="nv_inference_compute_infer_summary_us",
        type="summary",
        unit="us",
        labels=SUMMARY,
        help="quantiles of the time in the model",
    ),
    Metric(
        name="nv_inference_compute_output_summary_us",
        type="summary",
        unit="us",
        labels=SUMMARY,
        help="quantiles of the time to take out outputs",
    ),
    Metric(
        name="nv_inference_first_response_histogram_ms",
        type="histogram",
        unit="ms",
        labels=(*MODEL, "le"),
        help="time to the first response, of decoupled models",
        needs="first_responses",
    ),
    Metric(
        name="nv_model_load_duration_secs",
        type="gauge",
        unit="s",
        labels=MODEL,
        help="how long the model took to load",
        needs="load_times",
    ),
    Metric(
        name="nv_cache_num_hits_per_model",
        type="counter",
        unit="requests",
        labels=MODEL,
        help="requests answered from the cache",
        needs=CACHE,
    ),
    Metric(
        name="nv_cache_num_misses_per_model",
        type="counter",
        unit="requests",
        labels=MODEL,
        help="requests that were looked up in the cache and not found",
        needs=CACHE,
    ),
    Metric(
        name="nv_cache_hit_duration_per_model",
        type="counter",
        unit="us",
        labels=MODEL,
        help="time to look up and take out answers",
        needs=CACHE,
    ),
    Metric(
        name="nv_cache_miss_duration_per_model",
        type="counter",
        unit="us",
        labels=MODEL,
        help="time to look up in vain and to put the answer in",
        needs=CACHE,
    ),
    Metric(
        name="nv_cache_util",
        type="gauge",
        unit="ratio",
        help="share of the local cache's bytes in use",
        needs=LOCAL,
    ),
    Metric(
        name="nv_cache_num_entries",
        type="gauge",
        unit="entries",
        help="answers in the local cache",
        needs=LOCAL,
    ),
    Metric(
        name="nv_cache_num_evictions",
        type="gauge",
        unit="entries",
        help="answers thrown out of the local cache since the start",
        needs=LOCAL,
    ),
    Metric(
        name="nv_cpu_utilization",
        type="gauge",
        unit="ratio",
        help="share of the whole machine's CPU time in use, not of the container's",
    ),
    Metric(
        name="nv_cpu_memory_total_bytes",
        type="gauge",
        unit="bytes",
        help="the machine's memory",
    ),
    Metric(
        name="nv_cpu_memory_used_bytes",
        type="gauge",
        unit="bytes",
        help="memory in use on the machine",
    ),
    Metric(
        name="nv_pinned_memory_pool_total_bytes",
        type="gauge",
        unit="bytes",
        help="size of the pool of pinned memory",
        needs="pinned_memory",
    ),
    Metric(
        name="nv_pinned_memory_pool_used_bytes",
        type="gauge",
        unit="bytes",
        help="pinned memory in use",
        needs="pinned_memory",
    ),
    Metric(
        name="nv_gpu_utilization",
        type="gauge",
        unit="ratio",
        labels=("gpu_uuid",),
        help="share of the time in which the GPU ran something",
        needs="gpu",
    ),
    Metric(
        name="nv_gpu_memory_total_bytes",
        type="gauge",
        unit="bytes",
        labels=("gpu_uuid",),
        help="the GPU's memory",
        needs="gpu",
    ),
    Metric(
        name="nv_gpu_memory_used_bytes",
        type="gauge",
        unit="bytes",
        labels=("gpu_uuid",),
        help="the GPU's memory in use",
        needs="gpu",
    ),
    Metric(
        name="nv_gpu_power_usage",
        type="gauge",
        unit="W",
        labels=("gpu_uuid",),
        help="power that the GPU draws",
        needs="gpu",
    ),
    Metric(
        name="nv_gpu_power_limit",
        type="gauge",
        unit="W",
        labels=("gpu_uuid",),
        help="power that the GPU may draw",
        needs="gpu",
    ),
    Metric(
        name="nv_energy_consumption",
        type="counter",
        unit="J",
        labels=("gpu_uuid",),
        help="energy drawn by the GPU since the server started",
        needs="gpu",
    ),
    Metric(
        name="tritongen_gateway_requests_total",
        type="counter",
        unit="requests",
        labels=("model", "protocol", "code"),
        help="inference requests that clients had answered (streams left out), by HTTP's status"
        " or gRPC's by name; what the gateway refused itself is counted, too",
        job="gateway",
        needs="gateway",
    ),
    Metric(
        name="tritongen_gateway_rejections_total",
        type="counter",
        unit="requests",
        labels=("model", "protocol", "reason"),
        help="inference requests that were turned away: queue_full (which no metric of Triton's"
        " counts), queue_timeout, rate_limit, no_replica",
        job="gateway",
        needs="gateway",
    ),
    Metric(
        name="tritongen_gateway_request_duration_seconds",
        type="histogram",
        unit="s",
        labels=("model", "protocol"),
        help="from the whole request's arrival at the gateway to the start of a good answer;"
        " each latency objective has a bucket that ends at it",
        job="gateway",
        needs="gateway",
    ),
)
"""What is scraped and shown."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What a recording rule writes: ``expr`` for Prometheus, and the labels that it has."""

    name: str
    unit: str
    help: str
    expr: str
    labels: tuple[str, ...] = ("model",)
    needs: str | None = None


def _rate(metric: str, by: str = "model", selector: str = "") -> str:
    return f'sum by ({by}) (rate({metric}{{job="triton"{selector}}}[{WINDOW}]))'


COMPUTE = " + ".join(
    _rate(f"nv_inference_compute_{part}_duration_us") for part in ("input", "infer", "output")
)
QUEUE = _rate("nv_inference_queue_duration_us")

RECORDED = (
    Recorded(
        name="tritongen:successes:rate1m",
        unit="requests/s",
        help="requests answered",
        expr=_rate("nv_inference_request_success"),
    ),
    Recorded(
        name="tritongen:failures:rate1m",
        unit="requests/s",
        labels=("model", "reason"),
        help="requests failed, by reason; an ensemble's, which Triton counts twice, once",
        expr=f"{_rate('nv_inference_request_failure', 'model, reason')}"
        " / on (model) group_left () (tritongen:model:failures_counted)",
    ),
    Recorded(
        name="tritongen:failures:ratio1m",
        unit="ratio",
        help="share of requests that failed",
        expr="sum by (model) (tritongen:failures:rate1m) / ((sum by (model)"
        " (tritongen:failures:rate1m) + tritongen:successes:rate1m) > 0)",
    ),
    Recorded(
        name="tritongen:inferences:rate1m",
        unit="inferences/s",
        help="inferences done: a request of batch size 8 is 8",
        expr=_rate("nv_inference_count"),
    ),
    Recorded(
        name="tritongen:latency:mean1m",
        unit="s",
        help="time of a request in the server",
        expr=f"{_rate('nv_inference_request_duration_us')} / 1e6"
        " / (tritongen:successes:rate1m > 0)",
    ),
    Recorded(
        name="tritongen:latency:quantile",
        unit="s",
        labels=("model", "quantile"),
        help="quantiles of requests' time over the last minute, of the slowest replica",
        expr='max by (model, quantile) (nv_inference_request_summary_us{job="triton"} >= 0) / 1e6',
    ),
    Recorded(
        name="tritongen:queue_time:mean1m",
        unit="s",
        help="time that a request waits before it is executed",
        expr=f"{QUEUE} / 1e6 / (tritongen:successes:rate1m > 0)",
    ),
    Recorded(
        name="tritongen:compute_time:mean1m",
        unit="s",
        help="time in which a request's batch is executed: inputs, model and outputs",
        expr=f"({COMPUTE}) / 1e6 / (tritongen:executed:rate1m > 0)",
    ),
    Recorded(
        name="tritongen:queue:ratio1m",
        unit="ratio",
        help="share of a request's time that is waiting",
        expr=f"{QUEUE} / (({QUEUE} + {COMPUTE}) > 0)",
    ),
    Recorded(
        name="tritongen:batch_size:mean1m",
        unit="inferences",
        help="inferences that were executed together",
        expr=f"{_rate('nv_inference_count')} / ({_rate('nv_inference_exec_count')} > 0)",
    ),
    Recorded(
        name="tritongen:pending:sum",
        unit="requests",
        help="requests that wait, on all replicas",
        expr='sum by (model) (nv_inference_pending_request_count{job="triton"})',
    ),
    Recorded(
        name="tritongen:busy_instances:mean1m",
        unit="instances",
        help="instances of the model that are executing, on all replicas",
        expr=f"tritongen:compute_time:mean1m * {_rate('nv_inference_exec_count')}",
    ),
    Recorded(
        name="tritongen:cache_hits:ratio1m",
        unit="ratio",
        help="share of looked-up requests that were answered from the cache",
        needs=CACHE,
        expr=f"{_rate('nv_cache_num_hits_per_model')} / (({_rate('nv_cache_num_hits_per_model')}"
        f" + {_rate('nv_cache_num_misses_per_model')}) > 0)",
    ),
    Recorded(
        name="tritongen:step_time:mean1m",
        unit="s",
        labels=("ensemble", "model"),
        help="time that a request of the ensemble spends in each step, waiting included",
        needs="ensembles",
        expr="",
    ),
    Recorded(
        name="tritongen:step_time:ratio1m",
        unit="ratio",
        labels=("ensemble", "model"),
        help="each step's share of the steps' time",
        needs="ensembles",
        expr="",
    ),
    Recorded(
        name="tritongen:replicas_up:count",
        unit="replicas",
        labels=(),
        help="servers that answer",
        expr='count(up{job="triton"} == 1) or vector(0)',
    ),
    Recorded(
        name="tritongen:gpu_memory:ratio",
        unit="ratio",
        labels=("instance", "gpu_uuid"),
        help="share of the GPU's memory in use",
        needs="gpu",
        expr='nv_gpu_memory_used_bytes{job="triton"}'
        ' / (nv_gpu_memory_total_bytes{job="triton"} > 0)',
    ),
    Recorded(
        name="tritongen:gateway_requests:rate1m",
        unit="requests/s",
        labels=("proxy",),
        help="requests that reached the gateway",
        needs="gateway",
        expr="",
    ),
    Recorded(
        name="tritongen:gateway_errors:ratio1m",
        unit="ratio",
        labels=("proxy",),
        help="share of the gateway's answers that are 5xx: full queues, no server left, timeouts",
        needs="gateway",
        expr="",
    ),
    Recorded(
        name="tritongen:slo_errors:ratio5m",
        unit="ratio",
        help="share of requests that failed, over five minutes; also ratio30m, ratio1h, ratio6h",
        needs="slo_errors",
        expr="",
    ),
    Recorded(
        name="tritongen:slo_slow:ratio5m",
        unit="ratio",
        help="share of requests slower than their objective, at least; also 30m, 1h, 6h",
        labels=("model", "objective"),
        needs="slo_latency",
        expr="",
    ),
)
"""What is recorded, in the order in which it is evaluated: later ones use earlier ones."""


def recorded(parts: frozenset[str]) -> Iterator[Recorded]:
    """Yield what is recorded where a deployment has these ``PARTS``."""
    return (each for each in RECORDED if each.needs is None or each.needs in parts)
