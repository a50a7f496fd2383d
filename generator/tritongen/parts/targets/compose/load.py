"""The services that ask: Locust's master and workers, and ``ops`` for what is done once."""

from typing import Any

from tritongen.formats.yamlfile import Commented
from tritongen.parts.targets.compose import built
from tritongen.parts.targets.compose.service import (
    Fields,
    Reference,
    after,
    closed,
    health,
    mounted,
    published,
    reference,
    those_said,
)
from tritongen.records.paths import LOADTESTS
from tritongen.records.stack import (
    EDGE,
    GATEWAY,
    GATEWAY_GRPC,
    GATEWAY_HTTP,
    GATEWAY_RUN,
    GATEWAY_SOCKET,
    INNER,
    LOCUST,
    LOCUST_MASTER,
    LOCUST_PORT,
    LOCUST_WORKER,
    OPS,
    OPS_FOLDER,
    OPS_MOUNT,
    OPS_PROFILE,
    TLS_CERTIFICATE,
    TLS_SECRET,
    TRITON,
    TRITON_GRPC,
    TRITON_HTTP,
    PlannedStack,
)

PROGRAM = "/mnt/loadtests"
API_KEY = "LOCUST_API_KEY"


def _locust(stack: PlannedStack, *role: str) -> dict[str, Any]:
    host = GATEWAY if stack.gateway else TRITON
    http, grpc = (GATEWAY_HTTP, GATEWAY_GRPC) if stack.gateway else (TRITON_HTTP, TRITON_GRPC)
    secure = bool(stack.gateway and stack.gateway.tls)
    addresses = [
        f"--http-address={'https://' if secure else ''}{host}:{http}",
        f"--grpc-address={'grpcs://' if secure else ''}{host}:{grpc}",
    ]
    # No certificate is for the gateway's name in here: it has to show the one that clients see.
    believed = [f"--certificate={TLS_CERTIFICATE}"] if secure else []
    shown = [{"source": TLS_SECRET, "target": TLS_CERTIFICATE}] if secure else []
    return {
        **built.image(stack, LOCUST),
        "command": [f"--locustfile={PROGRAM}/locustfile.py", *role, *addresses, *believed],
        "user": "locust",
        "environment": {"PYTHONDONTWRITEBYTECODE": "1", **_key(stack)},
        "volumes": [mounted(LOADTESTS, PROGRAM)],
        **those_said(secrets=shown),
        "depends_on": after(host),
    }


def _key(stack: PlannedStack) -> dict[str, str]:
    """Return the variable with a key of the gateway's, where it asks for one; it may be empty."""
    asks = stack.gateway is not None and stack.gateway.api_keys is not None
    return {API_KEY: Reference(f"${{{API_KEY}:-}}")} if asks else {}


def master(stack: PlannedStack) -> dict[str, Any]:
    """Return the service that has the page and says when to begin."""
    statistics = f"--statistics-address={TRITON}:{TRITON_HTTP}"
    page = f"import urllib.request as r; r.urlopen('http://127.0.0.1:{LOCUST_PORT}/', timeout=4)"
    own: Fields = {
        **_locust(stack, "--master", "--results=/tmp/results.json", statistics),
        "ports": [published(stack.unguarded, stack.ports.locust, LOCUST_PORT)],
        "networks": [EDGE, INNER],
        "healthcheck": health(["python3", "-c", page], start_s=60),
    }
    return closed(stack, LOCUST_MASTER, own)


def worker(stack: PlannedStack) -> Commented:
    """Return the service that sends requests; it reaches what clients reach, and no more."""
    own = _locust(stack, "--worker", f"--master-host={LOCUST_MASTER}")
    own |= {"networks": [EDGE], "depends_on": after(LOCUST_MASTER, condition="service_healthy")}
    many = {"command": "More of them: docker compose up --scale locust-worker=4"}
    return Commented(closed(stack, LOCUST_WORKER, own), many)


def ops(stack: PlannedStack) -> Commented:
    """Return the service that reaches what is closed: the gateway's replicas, Triton's control."""
    volumes = [mounted(OPS_FOLDER, OPS_MOUNT), f"gateway-run:{GATEWAY_RUN}"]
    own: Fields = {
        **built.image(stack, LOCUST),
        "profiles": [OPS_PROFILE],
        "entrypoint": ["python3"],
        **those_said(command=[f"{OPS_MOUNT}/ops.py", GATEWAY_SOCKET] if stack.gateway else []),
        "environment": {"PYTHONDONTWRITEBYTECODE": "1", **_control_keys(stack)},
        "user": "locust",
        "networks": [INNER],
        **those_said(volumes=volumes if stack.gateway else []),
        "restart": "no",
    }
    control = "Runs once, where Triton's control can be reached: `tritongen rollout` talks with it."
    return Commented(closed(stack, OPS, own), {"entrypoint": control})


def _control_keys(stack: PlannedStack) -> dict[str, str]:
    """Return the variables that hold what opens Triton's control, as Triton is given them."""
    groups = stack.server.grpc_restricted_protocol or ()
    return {
        group.value.env: reference(group.value.env, "server: asks for it")
        for group in groups
        if "model-repository" in group.apis
    }
