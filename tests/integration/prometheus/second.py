"""What the rules should record, computed a second time in Python from Triton's raw counters."""

from collections import defaultdict
from typing import Any

from tests.integration.prometheus.conftest import WINDOW_S, Watched

from tritongen.records.metrics import metrics

USES = {"inner": {"plain": 1, "slow": 1}, "outer": {"plain": 2, "slow": 1}}
MODELS = ("plain", "slow", "cached", "stream", *USES)
PARTS = ("input", "infer", "output")
Values = dict[Any, float]


class Second:
    """Rates of raw counters over the window before ``at_s``, and what follows from them."""

    def __init__(self, watched: Watched, at_s: float) -> None:
        self.rates: dict[str, Values] = defaultdict(dict)
        for metric in metrics().values():
            if metric.job == "triton" and metric.type == "counter":
                query = f'{metric.name}{{job="triton"}}[{WINDOW_S}s]'
                for series in watched.ask(query, at_s):
                    self._add(metric.name, series["metric"], series["values"])

    def _add(self, name: str, labels: dict[str, str], points: list[tuple[float, str]]) -> None:
        (begin, first), (end, last) = points[0], points[-1]
        rate = (float(last) - float(first)) / (end - begin)
        key = (labels["model"], labels["reason"]) if "reason" in labels else labels["model"]
        self.rates[name][key] = self.rates[name].get(key, 0) + rate

    def rate(self, name: str, key: Any) -> float:
        return self.rates[name].get(key, 0.0)

    def answered(self, model: str) -> float:
        return self.rate("nv_inference_request_success", model)

    def executed(self, model: str) -> float:
        return self.answered(model) - self.rate("nv_cache_num_hits_per_model", model)

    def executions(self, model: str) -> float:
        return self.rate("nv_inference_exec_count", model)

    def failures(self) -> Values:
        return {
            key: rate / (2 if key[0] in USES else 1)
            for key, rate in self.rates["nv_inference_request_failure"].items()
        }

    def failed(self, model: str) -> float:
        return sum(rate for key, rate in self.failures().items() if key[0] == model)

    def requests(self, model: str) -> float:
        return self.answered(model) + self.failed(model)

    def latency(self, model: str) -> float:
        total = self.rate("nv_inference_request_duration_us", model)
        return total / 1e6 / self.answered(model)

    def queue(self, model: str) -> float:
        if model in USES:
            return sum(times * self.queue(step) for step, times in USES[model].items())
        return self.rate("nv_inference_queue_duration_us", model) / 1e6 / self.answered(model)

    def compute(self, model: str) -> float:
        total = sum(self.rate(f"nv_inference_compute_{part}_duration_us", model) for part in PARTS)
        return total / 1e6 / self.executed(model)

    def expected(self) -> dict[str, Values]:
        """Return what each rule should have recorded, by its labels."""
        single = [model for model in MODELS if model not in USES]
        asked = [model for model in MODELS if self.answered(model) > 0]
        alone = [model for model in single if model in asked]
        count = self.rates["nv_inference_count"]
        steps = {
            (ensemble, step): times * self.latency(step)
            for ensemble, used in USES.items()
            for step, times in used.items()
        }
        waits = {
            (ensemble, step): USES[ensemble][step] * self.queue(step) for ensemble, step in steps
        }
        whole = {e: sum(time for key, time in steps.items() if key[0] == e) for e in USES}
        hits = self.rate("nv_cache_num_hits_per_model", "cached")
        return {
            "executed:rate1m": {m: self.executed(m) for m in MODELS},
            "failures:rate1m": self.failures(),
            "successes:rate1m": {m: self.answered(m) for m in MODELS},
            "requests:rate1m": {m: self.requests(m) for m in MODELS},
            "failed:rate1m": {m: self.failed(m) for m in MODELS},
            "failed:ratio1m": {m: self.failed(m) / self.requests(m) for m in asked},
            "inferences:rate1m": {m: count[m] for m in MODELS},
            "latency:mean1m": {m: self.latency(m) for m in asked},
            "queue_time:mean1m": {m: self.queue(m) for m in asked},
            "compute_time:mean1m": {m: self.compute(m) for m in asked},
            "queue_time:ratio1m": {
                m: self.queue(m) / (self.queue(m) + self.compute(m)) for m in asked
            },
            "batch_size:mean1m": {m: count[m] / self.executions(m) for m in alone},
            "busy_instances:mean1m": {m: self.compute(m) * self.executions(m) for m in alone},
            "cache_hits:ratio1m": {
                "cached": hits / (hits + self.rate("nv_cache_num_misses_per_model", "cached"))
            },
            "step_time:mean1m": steps,
            "step_queue_time:mean1m": waits,
            "step_time:ratio1m": {key: time / whole[key[0]] for key, time in steps.items()},
        }
