"""The page of one model: what Triton tells of it, on each replica."""

from collections.abc import Iterator

from tritongen.parts.targets.grafana import common
from tritongen.parts.targets.grafana.page import Page, Panel, Query, Row, Variable
from tritongen.records.monitoring import parts
from tritongen.records.plan import Plan

MODEL = 'model="$model"'
HERE = f'job="triton", {MODEL}, instance=~"$replica"'
ENSEMBLE = "no requests, or an ensemble: its steps wait and compute"


def page(plan: Plan) -> Page:
    """Return the page."""
    models = Variable(
        name="model",
        label="Model",
        values="label_values(tritongen:model:info, model)",
        description="The model that is shown",
    )
    return Page(
        name="model",
        title="Model",
        description="One model: requests, latency by quantile, and what each replica does.",
        rows=tuple(_rows(plan)),
        variables=(models, common.REPLICA),
        notes=common.notes(plan),
    )


def _rows(plan: Plan) -> Iterator[Row]:
    yield Row(panels=tuple(_tiles()), height=4)
    yield Row(title="Latency", panels=tuple(_latency(plan)))
    yield Row(title="Replicas", panels=tuple(_replicas()))
    own = tuple(_own(plan))
    if own:
        yield Row(title="More of it", panels=own)


def _tiles() -> Iterator[Panel]:
    for title, series, unit, said in (
        ("Requests", "requests:rate1m", "reqps", "Requests a second, by Triton's count."),
        ("Failed", "failed:ratio1m", "percentunit", "Share of the requests that failed."),
        ("Time", "latency:mean1m", "s", "Mean time of a request in the server."),
        ("Waiting", "queue_time:mean1m", "s", "Mean time of a request in queues."),
        ("Computing", "compute_time:mean1m", "s", "Mean time in which a request's batch is run."),
        (
            "Inferences",
            "inferences:rate1m",
            "suffix:/s",
            "Inferences a second: a request of batch size 8 is 8; answers from the cache are none.",
        ),
    ):
        what = f"{said} Over the last minute, all replicas."
        yield common.tile(title, f"tritongen:{series}{{{MODEL}}}", unit=unit, what=what, decimals=2)


def _latency(plan: Plan) -> Iterator[Panel]:
    cached = "response_cache" in parts(plan)
    yield Panel(
        title="Time of a request",
        description="By quantile over the last minute, of the slowest replica, and the mean."
        + (" Of models that are answered from the cache Triton tells no quantiles." * cached),
        unit="s",
        queries=(
            Query(f"tritongen:latency:quantile{{{MODEL}}}", "{{quantile}}"),
            Query(f"tritongen:latency:mean1m{{{MODEL}}}", "mean"),
        ),
    )
    for title, metric, what in (
        ("Waiting", "queue", "Time in the queue"),
        ("Computing", "compute_infer", "Time in the model"),
    ):
        series = f"nv_inference_{metric}_summary_us{{{HERE}}}"
        yield Panel(
            title=title,
            description=f"{what}, by quantile over the last minute, of the slowest chosen replica.",
            unit="s",
            queries=(Query(f"max by (quantile) ({series} >= 0) / 1e6", "{{quantile}}"),),
            silent=ENSEMBLE,
        )


def _replicas() -> Iterator[Panel]:
    done = f"nv_inference_request_success{{{HERE}}}"
    took = f"nv_inference_request_duration_us{{{HERE}}}"
    yield Panel(
        title="Requests by replica",
        description="Requests that each chosen replica answered, a second.",
        unit="reqps",
        queries=(Query(f"sum by (instance) (rate({done}[1m]))", "{{instance}}"),),
    )
    mean = (
        f"sum by (instance) (rate({took}[1m])) / 1e6 / (sum by (instance) (rate({done}[1m])) > 0)"
    )
    yield Panel(
        title="Time by replica",
        description="Mean time of a request on each chosen replica.",
        unit="s",
        queries=(Query(mean, "{{instance}}"),),
    )
    yield Panel(
        title="Waiting requests by replica",
        description="Requests in the model's queue on each chosen replica; none wait for an "
        "ensemble, they wait for its steps.",
        unit="short",
        queries=(
            Query(
                f"sum by (instance) (nv_inference_pending_request_count{{{HERE}}})", "{{instance}}"
            ),
        ),
    )


def _own(plan: Plan) -> Iterator[Panel]:
    """Yield what there is of some models, or from some releases on."""
    has = parts(plan)
    yield Panel(
        title="Failures by reason",
        description="Failed requests a second, by Triton's reason; STEP: the step's own code.",
        unit="reqps",
        queries=(Query(f"tritongen:failures:rate1m{{{MODEL}}}", "{{reason}}"),),
    )
    if "first_responses" in has:
        yield Panel(
            title="Time to the first response",
            description="Of decoupled models, by quantile, over all replicas.",
            unit="s",
            queries=(Query(f"tritongen:first_response:quantile{{{MODEL}}}", "{{quantile}}"),),
            silent="no requests, or not decoupled",
        )
    if "response_cache" in has:
        yield Panel(
            title="Answered from the cache",
            description="Share of looked-up requests that the response cache answered.",
            unit="percentunit",
            most=1,
            queries=(Query(f"tritongen:cache_hits:ratio1m{{{MODEL}}}", "hits"),),
            silent="no requests, or not cached",
        )
    if "load_times" in has:
        yield Panel(
            title="Load time",
            description="How long the model took to load, on each chosen replica.",
            unit="s",
            kind="bars",
            queries=(
                Query(f"max by (instance) (nv_model_load_duration_secs{{{HERE}}})", "{{instance}}"),
            ),
        )
