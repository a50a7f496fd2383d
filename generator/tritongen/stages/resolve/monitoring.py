"""Which latencies the servers of a stack tell, so that percentiles and objectives are true."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tritongen.records.metrics import OBJECTIVES
from tritongen.records.plan import Decision, PlannedModel
from tritongen.records.release import Release
from tritongen.records.server import MetricsConfig
from tritongen.records.spec import Spec
from tritongen.stages.resolve.defaults import default

QUANTILES: Final = {
    0.1: 0.01,
    0.5: 0.01,
    0.8: 0.01,
    0.9: 0.01,
    0.95: 0.001,
    0.99: 0.001,
    0.999: 0.001,
}
"""Those of dashboards and objectives, and lower ones: how many requests are over an objective's
limit is told by the lowest quantile that is over it."""

WHY: Final = (
    "percentiles need summaries: Triton has a histogram only of decoupled models' first responses, "
    "since 24.11; the lower quantiles tell how many requests are over an objective"
)

CACHED: Final = (
    "Triton has no percentiles of a model with a response cache; a gateway would have them"
)


def metrics_config(said: MetricsConfig | None, release: Release) -> MetricsConfig:
    """Return how latencies are told; what the spec says of it stays."""
    chosen: dict[str, Any] = {"summary_latencies": True, "summary_quantiles": QUANTILES}
    if not release.lacks("flag:metrics-config.histogram_latencies"):
        chosen["histogram_latencies"] = True
    own = {} if said is None else {key: value for key, value in said if value not in (None, {})}
    return MetricsConfig.model_construct(**{**dict(MetricsConfig()), **chosen, **own})


def unwatched(spec: Spec, models: Mapping[str, PlannedModel], gateway: bool) -> Iterator[Decision]:
    """Yield the objectives that no alert can be made of."""
    for name, slo in spec.slo.items():
        cached = name in models and models[name].config.response_cache.enable
        for key in OBJECTIVES if cached and not gateway else ():
            if getattr(slo, key) is not None:
                yield default(("slo", name, key), "no alert", CACHED)
