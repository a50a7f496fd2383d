"""What limits throughput: the client's figures and the server's, joined into one sentence."""

from collections.abc import Iterator
from dataclasses import dataclass

from tritongen.records.measurement import (
    Bottleneck,
    Figures,
    Load,
    ModelTimes,
    Server,
    StepLimit,
)

BUSY = 0.85
"""Above this a station's queue grows out of proportion: it limits what passes."""
FULL = 0.9
"""A core, or all of them, used up to this are used up: the rest goes to the system."""
MOST = 0.5
KEPT_UP = 0.97


@dataclass(frozen=True, kw_only=True)
class Seen:
    """All that the sentence is made from; ``client_ms`` is a request's time outside the server.

    ``generator_cpu`` is the share of a core that the busiest generator process used.
    """

    load: Load
    total: Figures
    server: Server
    steps: tuple[StepLimit, ...]
    client_ms: float | None
    client_share: float | None
    generator_cpu: float

    @property
    def busiest(self) -> StepLimit:
        """The step whose instances have the least time left."""
        return max(self.steps, key=lambda step: step.utilisation)

    def model(self, step: StepLimit) -> ModelTimes:
        """Return the times of a step's model."""
        found = self.server.model(step.model)
        assert found is not None, "steps are made from the server's models"
        return found


def bottleneck(
    load: Load, total: Figures, server: Server, generator_cpu: float = 0.0
) -> Bottleneck | None:
    """Say what limits throughput and what would move it; nothing if nothing was executed."""
    steps = tuple(step(model, server.window_s) for model in _executed(load, server))
    if not steps:
        return None
    client_ms, share = _client(load, total, server)
    seen = Seen(
        load=load,
        total=total,
        server=server,
        steps=steps,
        client_ms=client_ms,
        client_share=share,
        generator_cpu=generator_cpu,
    )
    limit, sentence = next(_limits(seen))
    return Bottleneck(
        sentence=sentence, limit=limit, steps=steps, client_ms=client_ms, client_share=share
    )


def _executed(load: Load, server: Server) -> Iterator[ModelTimes]:
    """Yield the models that requests of the load pass and that compute, each once."""
    names = dict.fromkeys(load.models)
    for name in names.copy():
        names |= _inside(name, server)
    for name in names:
        model = server.model(name)
        if model is not None and model.executions and not model.steps:
            yield model


def _inside(name: str, server: Server) -> dict[str, None]:
    model = server.model(name)
    found = dict.fromkeys(model.steps if model else ())
    for inner in found.copy():
        found |= _inside(inner, server)
    return found


def step(model: ModelTimes, window_s: float) -> StepLimit:
    """Return a model as a station: how fast it is, how much of its time it was busy."""
    copies = model.compute_input_ms + model.compute_output_ms
    whole = model.queue_ms + model.compute_infer_ms + copies
    mean_batch = model.rows / model.executions if model.executions else 0.0
    capacity = model.requests / model.busy_s * model.instances if model.busy_s else None
    return StepLimit(
        model=model.name,
        rate_rps=model.requests / window_s,
        service_rps=capacity,
        utilisation=min(model.busy_s / (window_s * max(model.instances, 1)), 1.0),
        queue_share=model.queue_ms / whole if whole else 0.0,
        copy_share=copies / whole if whole else 0.0,
        mean_batch=mean_batch,
        batch_fill=mean_batch / model.max_batch_size if model.max_batch_size else None,
        time_ms=whole,
    )


def _client(load: Load, total: Figures, server: Server) -> tuple[float | None, float | None]:
    """Return the time of a request that the server does not account for, and its share."""
    asked = [model for name in load.models if (model := server.model(name)) and model.requests]
    if total.service is None or len(asked) != len(load.models):
        return None, None
    inside = sum(each.total_ms * each.requests for each in asked)
    outside = total.service.mean_ms - inside / sum(each.requests for each in asked)
    return max(outside, 0.0), max(outside, 0.0) / (total.service.mean_ms or 1.0)


def _limits(seen: Seen) -> Iterator[tuple[str, str]]:
    """Yield what limits, the likeliest first, always something."""
    if seen.generator_cpu > FULL:
        yield (
            "generator",
            f"the load generator limits: it uses {_percent(seen.generator_cpu)} of its core; "
            "run it with more --processes",
        )
    delayed = max(seen.steps, key=lambda each: _delay_share(seen, each))
    if _delay_share(seen, delayed) > MOST and delayed.utilisation < BUSY:
        yield "queue delay", _delay(seen, delayed)
    if seen.busiest.utilisation >= BUSY:
        yield "step", _saturated(seen)
    if _cores_full(seen):
        yield (
            "cpu",
            f"the processors limit: the server uses {seen.server.cpu_cores:.1f} of "
            f"{seen.server.cores} cores, most in {_heaviest(seen).model}; give it more cores, or "
            "make that model cheaper",
        )
    if seen.client_share is not None and seen.client_share > MOST and seen.load.users:
        yield "client", _outside(seen)
    if seen.load.users is not None:
        yield "users", _too_few_users(seen)
    if seen.total.unsent or seen.total.answered < KEPT_UP * seen.total.offered:
        yield "behind", _behind(seen)
    yield "nothing", _nothing(seen)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _cores_full(seen: Seen) -> bool:
    used, cores = seen.server.cpu_cores, seen.server.cores
    # What generates the load on the same machine is not left to the server.
    return used is not None and cores is not None and used > FULL * cores - seen.generator_cpu


def _heaviest(seen: Seen) -> StepLimit:
    return max(seen.steps, key=lambda each: seen.model(each).busy_s)


def _delay_share(seen: Seen, each: StepLimit) -> float:
    """Return how much of a request's time goes into waiting for a batch on purpose."""
    model = seen.model(each)
    delay_ms = model.queue_delay_us / 1e3
    whole = sum(other.time_ms for other in seen.steps)
    if not delay_ms or model.queue_ms < MOST * delay_ms:
        return 0.0
    return min(model.queue_ms, delay_ms) / whole if whole else 0.0


def _delay(seen: Seen, each: StepLimit) -> str:
    model = seen.model(each)
    return (
        f"waiting for a batch limits: requests wait {model.queue_ms:.1f} ms in {each.model} for "
        f"its max_queue_delay_microseconds of {model.queue_delay_us}, while it is "
        f"{_percent(each.utilisation)} busy; lower the delay"
    )


def _saturated(seen: Seen) -> str:
    busiest = seen.busiest
    model = seen.model(busiest)
    plural = "instances are" if model.instances > 1 else "instance is"
    batch = f" with {busiest.mean_batch:.1f} rows a batch" if model.max_batch_size else ""
    what = (
        f"{busiest.model} limits: its {model.instances} {plural} "
        f"{_percent(busiest.utilisation)} busy{batch}, requests wait {model.queue_ms:.1f} of "
        f"{busiest.time_ms:.1f} ms there; "
    )
    return what + _remedy(seen, busiest, model)


def _remedy(seen: Seen, busiest: StepLimit, model: ModelTimes) -> str:
    if busiest.copy_share > MOST:
        return (
            f"{_percent(busiest.copy_share)} of its time copies tensors: make them smaller, or "
            "join it with the step before it"
        )
    if model.max_batch_size and not model.batching and model.max_batch_size > 1:
        return "turn on its `dynamic_batching`, so that waiting requests are computed together"
    if busiest.batch_fill is not None and busiest.batch_fill > FULL and model.max_batch_size > 1:
        more = "" if _cores_full(seen) else ", or its instances"
        return f"its batches are full: raise `max_batch_size`{more}"
    if _cores_full(seen):
        return (
            f"all {seen.server.cores} cores are in use, so more instances would only share them: "
            "give it more cores, or a cheaper model"
        )
    return f"another instance would move it: `instance_group.count` {model.instances + 1}"


def _outside(seen: Seen) -> str:
    return (
        f"the way to the server limits: {seen.client_ms:.1f} ms of a request "
        f"({_percent(seen.client_share or 0)}) pass outside of it, while {seen.busiest.model}, its "
        f"busiest step, is {_percent(seen.busiest.utilisation)} busy; send less, or from nearer"
    )


def _too_few_users(seen: Seen) -> str:
    users = seen.load.users or 0
    return (
        f"the users limit: each of the {users} waits for its answer, and {seen.busiest.model}, the "
        f"busiest step, is {_percent(seen.busiest.utilisation)} busy; more users, or an open loop, "
        "would ask for more"
    )


def _behind(seen: Seen) -> str:
    return (
        f"the server does not keep up ({seen.total.answered} of {seen.total.offered} requests "
        f"answered), though no step is busy: {_heaviest(seen).model} takes longest; look for what "
        "holds it (one lock, another process, the disk) outside of Triton"
    )


def _nothing(seen: Seen) -> str:
    busiest = seen.busiest
    could = f", and could do about {busiest.service_rps:.0f}/s" if busiest.service_rps else ""
    return (
        f"nothing limits at {seen.total.rate_rps:.0f}/s: {busiest.model}, the busiest step, is "
        f"{_percent(busiest.utilisation)} busy{could}"
    )
