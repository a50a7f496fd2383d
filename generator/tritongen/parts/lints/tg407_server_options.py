"""Options of the server that don't work together, or not with these models.

Each of them makes tritonserver end, or serve other than what was meant: `load_model` without
`model_control_mode: explicit`, a model to load that there is not, TLS without its files, client
certificates without the authority that signed them (the server starts and refuses every client),
`counter_latencies: false` (which also stops the counting of requests), traces of tensors over
OpenTelemetry, Vertex AI's protocol without a default model where several are loaded.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint, did_you_mean
from tritongen.records.plan import Plan
from tritongen.records.server import Server

SEVERITY: Final = "error"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about options that contradict each other or the models."""
    yield from _control(plan)
    yield from _tls(plan.server)
    yield from _observing(plan.server)
    yield from _vertex_ai(plan)


def _control(plan: Plan) -> Iterator[Complaint]:
    server = plan.server
    mode = server.model_control_mode or "none"
    loaded = server.load_model or ()
    if loaded and mode != "explicit":
        yield Complaint(
            path=("server", "load_model"),
            message=f"load_model is said, and model_control_mode is {mode}",
            why="the server ends: it loads all models by itself then",
            fix="add model_control_mode: explicit, or leave load_model out",
        )
    if "*" in loaded and len(loaded) > 1:
        yield Complaint(
            path=("server", "load_model"),
            message="load_model names models besides `*`",
            why="the server ends: `*` are all models, and must be alone",
            fix="leave the others out, or `*`",
        )
    for number, name in enumerate(loaded):
        if name not in ("*", *plan.models):
            yield Complaint(
                path=("server", "load_model", number),
                message=f"there is no model {name!r} to load",
                why="the server ends when it can't load a model at its start",
                fix=did_you_mean(name, plan.models) or "name one of the models",
            )
    if server.repository_poll_secs is not None and mode != "poll":
        yield Complaint(
            path=("server", "repository_poll_secs"),
            message=f"repository_poll_secs is said, and model_control_mode is {mode}",
            why="the repository is only polled in the mode poll",
            fix="leave repository_poll_secs out",
        )


def _tls(server: Server) -> Iterator[Complaint]:
    asked = "grpc_use_ssl_mutual" if server.grpc_use_ssl_mutual else "grpc_use_ssl"
    if not getattr(server, asked):
        return
    needed = ["grpc_server_cert", "grpc_server_key"]
    if server.grpc_use_ssl_mutual:
        needed.append("grpc_root_cert")
    for option in needed:
        if getattr(server, option) is None:
            yield Complaint(
                path=("server", asked),
                message=f"{asked} needs {option}",
                why="the server ends without its certificate and key, and refuses every client "
                "without the authority of theirs",
                fix=f"add {option}: the path of a PEM file where the server runs",
            )


def _observing(server: Server) -> Iterator[Complaint]:
    metrics, traces = server.metrics_config, server.trace_config
    if metrics and metrics.counter_latencies is False:
        yield Complaint(
            path=("server", "metrics_config", "counter_latencies"),
            message="counter_latencies: false also stops the counting of requests",
            why="all request counters stay 0, and rules and dashboards read them",
            fix="leave it out",
        )
    if traces and traces.mode == "opentelemetry" and "TENSORS" in (traces.level or ()):
        yield Complaint(
            path=("server", "trace_config", "level"),
            message="tensors can't be traced over OpenTelemetry",
            why="the server ends when it is asked for them",
            fix="write level: TIMESTAMPS",
        )


def _vertex_ai(plan: Plan) -> Iterator[Complaint]:
    said, models = plan.server.vertex_ai_default_model, _loaded(plan)
    if not plan.server.allow_vertex_ai:
        return
    if said is not None and said not in models:
        yield Complaint(
            path=("server", "vertex_ai_default_model"),
            message=f"the default model {said!r} is not among those that are loaded",
            why="the server ends when Vertex AI's default model is not loaded",
            fix=did_you_mean(said, models) or "name one of the models",
        )
    elif said is None and len(models) != 1:
        yield Complaint(
            path=("server", "allow_vertex_ai"),
            message=f"{len(models)} models are loaded, and none is said to be Vertex AI's",
            why="the server ends unless there is one model only or a default model",
            fix="add vertex_ai_default_model: the model that its requests go to",
        )


def _loaded(plan: Plan) -> set[str]:
    """Return the models that are there when the server has started, steps of ensembles with it."""
    if plan.server.model_control_mode != "explicit":
        return set(plan.models)
    said = plan.server.load_model or ()
    loaded = set(plan.models) if "*" in said else set(said)
    ahead = [plan.models[name] for name in loaded if name in plan.models]
    while ahead:
        steps = {step.model_name for step in ahead.pop().config.ensemble_scheduling.step}
        ahead += [plan.models[name] for name in steps - loaded if name in plan.models]
        loaded |= steps
    return loaded
