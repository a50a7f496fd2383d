"""The service ``gateway``: HAProxy before the Tritons, and the files that are only its own."""

from typing import Any

from tritongen.formats.yamlfile import Commented
from tritongen.parts.targets.compose.service import (
    after,
    closed,
    health,
    mounted,
    published,
    secret_path,
    those_said,
)
from tritongen.records.stack import (
    API_KEYS,
    EDGE,
    GATEWAY,
    GATEWAY_FOLDER,
    GATEWAY_GRPC,
    GATEWAY_HEALTH,
    GATEWAY_HTTP,
    GATEWAY_METRICS,
    GATEWAY_RUN,
    INNER,
    TLS_CERTIFICATE,
    TLS_KEY,
    TLS_SECRET,
    TRITON,
    Haproxy,
    PlannedStack,
)


def service(stack: PlannedStack, haproxy: Haproxy) -> Commented:
    """Return the service."""
    places = {TLS_SECRET: TLS_CERTIFICATE, "tls_key": TLS_KEY, "api_keys": API_KEYS}
    own: dict[str, Any] = {
        "image": stack.images[GATEWAY],
        "user": "haproxy",
        "ports": [
            published(stack.bind, stack.ports.http, GATEWAY_HTTP),
            published(stack.bind, stack.ports.grpc, GATEWAY_GRPC),
        ],
        "networks": [EDGE, INNER],
        "volumes": [
            mounted(GATEWAY_FOLDER, "/usr/local/etc/haproxy"),
            f"gateway-run:{GATEWAY_RUN}",
        ],
        **those_said(secrets=[{"source": s, "target": places[s]} for s in secrets(haproxy)]),
        "healthcheck": health(_ask(GATEWAY_METRICS, GATEWAY_HEALTH), start_s=stack.start_period_s),
        "depends_on": after(TRITON),
    }
    first = "So that it is stopped before them, and no connection holds their exit."
    return Commented(closed(stack, GATEWAY, own), {"depends_on": first})


def secrets(haproxy: Haproxy) -> dict[str, Any]:
    """Return the files of the gateway that are nobody else's."""
    found = {}
    if haproxy.tls:
        found[TLS_SECRET] = {"file": secret_path(haproxy.tls.certificate)}
        found["tls_key"] = {"file": secret_path(haproxy.tls.key)}
    if haproxy.api_keys:
        found["api_keys"] = {"file": secret_path(haproxy.api_keys)}
    return found


def _ask(port: int, path: str) -> list[str]:
    """Return a test with bash alone: HAProxy's image has nothing that speaks HTTP."""
    request = f"GET {path} HTTP/1.0\\r\\n\\r\\n"
    script = (
        f"exec 3<>/dev/tcp/127.0.0.1/{port} && printf '{request}' >&3 "
        "&& read -r _ status _ <&3 && [ $status = 200 ]"
    )
    return ["bash", "-c", script]
