"""Reads the counters of Triton servers from the Prometheus that scrapes them."""

from collections.abc import Iterator, Mapping
from typing import Any

from tritongen.errors import EngineError, ToolMissingError
from tritongen.stages.measure.window import ServerSample
from tritongen.triton import Statistics

COUNTERS = {
    "nv_inference_request_success": "success_count",
    "nv_inference_request_failure": "fail_count",
    "nv_inference_count": "inference_count",
    "nv_inference_exec_count": "execution_count",
    "nv_inference_request_duration_us": "success_ns",
    "nv_inference_queue_duration_us": "queue_ns",
    "nv_inference_compute_input_duration_us": "compute_input_ns",
    "nv_inference_compute_infer_duration_us": "compute_infer_ns",
    "nv_inference_compute_output_duration_us": "compute_output_ns",
    "nv_cache_num_hits_per_model": "cache_hit_count",
    "nv_cache_num_misses_per_model": "cache_miss_count",
}
"""Triton's counters and what its own statistics call them; Prometheus has microseconds."""

PENDING = "nv_inference_pending_request_count"
STEP = "1s"
NAMES = "|".join((*COUNTERS, PENDING))


class Prometheus:
    """A Prometheus server, by the URL of its HTTP API."""

    def __init__(self, url: str) -> None:
        """Connect.

        Raises:
            ToolMissingError: its client is not installed.
            EngineError: nothing answers there, or not a Prometheus.
        """
        try:
            import requests
            from prometheus_api_client.exceptions import PrometheusApiClientException
            from prometheus_api_client.prometheus_connect import PrometheusConnect
        except ImportError as error:
            raise ToolMissingError(
                "Prometheus is asked with prometheus-api-client, which is not installed",
                why=str(error),
                fix="pip install 'tritongen[prometheus]'",
            ) from error
        self.url = url
        self._failures: Any = (
            requests.RequestException,
            PrometheusApiClientException,
            ValueError,
        )
        self._client = PrometheusConnect(url=url.rstrip("/"), disable_ssl=False)
        try:
            connected = self._client.check_prometheus_connection()
        except self._failures as error:
            raise self._unreachable(error) from error
        if not connected:
            raise self._unreachable("its API did not answer with success")

    def samples(self, begin_s: float, end_s: float) -> list[ServerSample]:
        """Return the counters of all servers together at every scrape of a window.

        Times are seconds since 1970. Counters of replicas are summed, so that one that restarted
        in between shows as less than nothing and is left out.

        Raises:
            EngineError: it does not answer, or scrapes no Triton.
        """
        series = self._query(begin_s, end_s)
        if not series:
            raise EngineError(
                f"the Prometheus at {self.url} has no counters of a Triton for this time",
                why=f"none of {', '.join(COUNTERS)} was scraped",
                fix="let it scrape the servers' metrics port (8002), or leave out --prometheus",
            )
        return list(_joined(series))

    def _query(self, begin_s: float, end_s: float) -> list[dict[str, Any]]:
        # A range selector gives every sample at the time of its own scrape; a range query would
        # give them at even distances, each up to a scrape older than it says.
        seconds = max(int(end_s - begin_s) + 1, 1)
        query = f'{{__name__=~"{NAMES}"}}[{seconds}s]'
        try:
            found: list[dict[str, Any]] = self._client.custom_query(query, params={"time": end_s})
        except self._failures as error:
            raise self._unreachable(error) from error
        return found

    def _unreachable(self, why: object) -> EngineError:
        return EngineError(
            f"no Prometheus answers at {self.url}",
            why=str(why),
            fix="give the URL of its web page: --prometheus http://HOST:9090",
        )


def _joined(series: list[dict[str, Any]]) -> Iterator[ServerSample]:
    """Yield a sample for every scrape that all servers had, at the time of the last of them."""
    values: dict[tuple[str, str], dict[str, list[tuple[float, float]]]] = {}
    pending: dict[str, list[float]] = {}
    for each in series:
        labels = each["metric"]
        points = [(float(at), float(value)) for at, value in each["values"]]
        name = labels["__name__"]
        if name == PENDING:
            pending.setdefault(labels["model"], []).append(points[-1][1])
            continue
        counters = values.setdefault((labels["model"], labels.get("version", "1")), {})
        _add(counters.setdefault(COUNTERS[name], []), points)
    if not values:
        return
    scrapes = min(len(points) for each in values.values() for points in each.values())
    for number in range(-scrapes, 0):
        at_s = max(each[number][0] for counters in values.values() for each in counters.values())
        rows = tuple(_row(key, counters, number) for key, counters in values.items())
        yield ServerSample(
            at_s=at_s, models=rows, pending={name: sum(each) for name, each in pending.items()}
        )


def _add(total: list[tuple[float, float]], points: list[tuple[float, float]]) -> None:
    """Add the points of another server, scrape by scrape from the last."""
    for number in range(1, len(points) + 1):
        if number <= len(total):
            at, value = total[-number]
            total[-number] = (max(at, points[-number][0]), value + points[-number][1])
        else:
            total.insert(0, points[-number])


def _row(
    key: tuple[str, str], counters: Mapping[str, list[tuple[float, float]]], number: int
) -> Statistics:
    def at(name: str) -> int:
        value = counters[name][number][1] if name in counters else 0.0
        return round(value * 1000) if name.endswith("_ns") else round(value)

    return Statistics(
        name=key[0],
        version=key[1],
        batches={},
        batch_ns={},
        **{name: at(name) for name in COUNTERS.values()},
    )
