"""The service ``triton``: the server, as often as the stack says."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tritongen.formats.yamlfile import Commented
from tritongen.parts.serveroptions import Option, server_options, server_secrets
from tritongen.parts.targets.compose import built
from tritongen.parts.targets.compose.service import (
    Reference,
    closed,
    health,
    literal,
    mounted,
    published,
    reference,
    size,
)
from tritongen.records.paths import REPOSITORY
from tritongen.records.plan import Plan
from tritongen.records.stack import (
    EDGE,
    INNER,
    REDIS,
    TRITON,
    TRITON_GRPC,
    TRITON_HTTP,
    TRITON_METRICS,
    PlannedStack,
)

MODELS = "/models"
USER = "1000:1000"
"""``triton-server`` in NVIDIA's image."""
PIDS = 8192
OWN_ENVIRONMENT = "EXECUTION_ENV_PATH"
"""Python environments that come with a model are unpacked below /tmp and run there."""

READ_ONLY = "Read-only: Triton reloads Python models when a file beside them is written."
SHM = "Python models exchange their tensors with Triton in /dev/shm."
COMMAND = "The same options as `tritongen up`, and what follows from standing in a stack."
GRACE = "Longer than Triton's own timeout: it answers what is on its way."


def service(plan: Plan, stack: PlannedStack) -> Commented:
    """Return the service."""
    own: dict[str, Any] = {
        **built.image(stack, TRITON),
        "command": _command(plan, stack),
        "user": USER,
        "environment": _environment(stack),
        "volumes": [mounted(REPOSITORY, MODELS)],
        "networks": [INNER] if stack.gateway else [INNER, EDGE],
        **_ports(stack),
        "shm_size": size(stack.shm_bytes),
        "ulimits": _ulimits(stack),
        "tmpfs": ["/tmp:exec" if _own_environments(plan) else "/tmp"],  # noqa: S108
        "healthcheck": health(_ask(stack), start_s=stack.start_period_s),
        "stop_grace_period": f"{stack.stop_grace_s}s",
        "deploy": {"replicas": stack.replicas, "resources": _devices(stack)},
    }
    if stack.redis:
        own["depends_on"] = {REDIS: {"condition": "service_healthy"}}
    comments = {"volumes": READ_ONLY, "shm_size": SHM, "command": COMMAND}
    comments["stop_grace_period"] = GRACE
    return Commented(closed(stack, TRITON, own, pids=PIDS), comments)


def _command(plan: Plan, stack: PlannedStack) -> list[str]:
    told = replace(plan, server=stack.server)
    options = server_options(told, ports=False)
    return ["tritonserver", f"--model-repository={MODELS}", *map(_argument, options)]


def _argument(option: Option) -> str:
    if option.value is None:
        return f"--{option.name}"
    text = f"--{option.name}={option.value}"
    if option.secret is None:
        return text
    return Reference(literal(text) + reference(option.secret, "server: asks for it"))


def _ask(stack: PlannedStack) -> list[str]:
    """Return a test with curl; nothing answers before all models are loaded.

    While a model is loaded later on, a server is not ready, and yet it answers.
    """
    stays = stack.server.model_control_mode in (None, "none")
    url = f"http://127.0.0.1:{TRITON_HTTP}/v2/health/{'ready' if stays else 'live'}"
    return ["curl", "-fsS", "-o", "/dev/null", url]


def _environment(stack: PlannedStack) -> dict[str, str]:
    held = server_secrets(stack.server)
    secrets = {name: reference(user, "server: asks for it") for name, user in held.items()}
    return {"HOME": "/tmp", **secrets}  # noqa: S108, libraries keep caches there


def _ports(stack: PlannedStack) -> dict[str, list[str]]:
    inside = {"http": TRITON_HTTP, "grpc": TRITON_GRPC, "metrics": TRITON_METRICS}
    if stack.gateway:
        return {"expose": [str(port) for port in inside.values()]}
    outside = dict(stack.ports)
    return {"ports": [published(stack.bind, outside[name], port) for name, port in inside.items()]}


def _ulimits(stack: PlannedStack) -> dict[str, int]:
    """Return what NVIDIA asks for; memory is locked for copies to GPUs only."""
    return {**({"memlock": -1} if stack.gpus else {}), "stack": 64 << 20}


def _devices(stack: PlannedStack) -> dict[str, Any]:
    if not stack.gpus:
        return {}
    which: dict[str, Any] = {"count": "all"}
    if stack.gpus != "all":
        which = {"device_ids": [str(number) for number in stack.gpus]}
    return {"reservations": {"devices": [{"driver": "nvidia", **which, "capabilities": ["gpu"]}]}}


def _own_environments(plan: Plan) -> bool:
    return any(OWN_ENVIRONMENT in keys for keys in _parameters(plan))


def _parameters(plan: Plan) -> Iterator[set[str]]:
    for model in plan.models.values():
        yield set(model.config.parameters)
