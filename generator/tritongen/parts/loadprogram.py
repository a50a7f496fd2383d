"""The load program: its files, and the ``scenario.json`` that tells it what to send.

What the keys of a scenario mean stands in ``runtime/load/load_scenario.py``.
"""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from tritongen.records.loadtest import PlannedLoadTest, PlannedTraffic
from tritongen.records.messages import ModelConfig, ModelSequenceBatching
from tritongen.records.plan import Plan, short_type

FORMAT = 1
PORTS = {"http": 8000, "grpc": 8001}
CORRELATION_ID = ModelSequenceBatching.Control.CONTROL_SEQUENCE_CORRID


def program() -> dict[str, str]:
    """Return the program's files by name; what they import is in ``images.toml``."""
    folder = files("tritongen.runtime").joinpath("load")
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith((".py", ".txt")))
    return {name: folder.joinpath(name).read_text("utf-8") for name in names}


def usual_address(plan: Plan, test: PlannedLoadTest) -> str:
    """Return where the spec's server answers on this machine."""
    server = plan.server
    said = {"http": server.http_port, "grpc": server.grpc_port}
    service = service_of(test)
    return f"127.0.0.1:{said[service] or PORTS[service]}"


def service_of(test: PlannedLoadTest) -> str:
    """Return which of the server's services a load test asks."""
    return "http" if test.protocol == "http" else "grpc"


def scenario(
    plan: Plan, test: PlannedLoadTest, *, address: str, files: Mapping[str, str]
) -> dict[str, Any]:
    """Return what ``scenario.json`` says.

    ``files`` gives the path of each model's payload file, and under ``"trace"`` of the trace; they
    start at the folder of ``scenario.json``.
    """
    return {
        "scenario": FORMAT,
        "name": test.name,
        "seed": test.seed,
        "protocol": test.protocol,
        "address": address,
        "duration_s": test.duration_s,
        "warmup_s": test.warmup_s,
        "timeout_s": test.timeout_s,
        "headers": dict(test.headers),
        "lag_limit": test.lag_limit,
        **({"max_in_flight": test.max_in_flight} if test.max_in_flight else {}),
        "arrivals": arrivals(test, files),
        "requests": [_request(plan, test, each, files) for each in test.traffic],
    }


def arrivals(test: PlannedLoadTest, files: Mapping[str, str]) -> dict[str, Any]:
    """Return when requests are due."""
    said = test.arrivals
    if said.closed:
        return {"law": "closed", "stages": _level(said.closed.users, test.duration_s)}
    if said.burst:
        return {"law": "burst", "size": said.burst.size, "every_s": said.burst.every}
    if said.trace is not None:
        return {"law": "trace", "file": files["trace"]}
    if said.stages:
        stages = [
            {"from": each.start or each.rate, "to": each.rate, "seconds": each.duration}
            for each in said.stages
        ]
        return {"law": "poisson", "stages": stages}
    paced = said.constant or said.poisson
    assert paced is not None, "one of them was said"
    law = "constant" if said.constant else "poisson"
    return {"law": law, "stages": _level(paced.rate, test.duration_s)}


def _level(level: float, seconds: float) -> list[dict[str, float]]:
    return [{"from": level, "to": level, "seconds": seconds}]


def _request(
    plan: Plan, test: PlannedLoadTest, traffic: PlannedTraffic, files: Mapping[str, str]
) -> dict[str, Any]:
    samples = traffic.samples
    assert samples is not None, "requests are made before a scenario is written"
    config = plan.models[traffic.model].config
    request = {
        "name": traffic.model,
        "model": traffic.model,
        "payload": files[traffic.model],
        "weight": traffic.weight,
        "parameters": dict(test.parameters),
        "expect": _expect(config, traffic),
    }
    if samples.unique:
        request["unique"] = dict(samples.unique)
    if samples.sequences:
        steps = [list(each) for each in samples.sequences]
        request["sequence"] = {"steps": steps, "id": _id_type(plan, traffic.model)}
    return request


def _expect(config: ModelConfig, traffic: PlannedTraffic) -> dict[str, Any]:
    batch = [-1] if config.max_batch_size else []
    said: dict[str, Any] = {
        "outputs": {
            tensor.name: {
                "datatype": short_type(tensor.data_type),
                "shape": [*batch, *tensor.dims],
            }
            for tensor in config.output
        }
    }
    if traffic.expect and traffic.expect.answers:
        said |= {"answers": True, "rtol": traffic.expect.rtol, "atol": traffic.expect.atol}
    return said


def _id_type(plan: Plan, name: str) -> str:
    """Return what the correlation ids of a model, or of the steps of an ensemble, are."""
    types = {
        control.data_type
        for config in _configs(plan, name)
        for each in config.sequence_batching.control_input
        for control in each.control
        if control.kind == CORRELATION_ID
    }
    return "text" if {short_type(each) for each in types} == {"BYTES"} else "integer"


def _configs(plan: Plan, name: str) -> Iterator[ModelConfig]:
    config = plan.models[name].config
    yield config
    for step in config.ensemble_scheduling.step:
        yield from _configs(plan, step.model_name)
