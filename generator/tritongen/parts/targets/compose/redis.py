"""The service ``redis``: the response cache that all Tritons share."""

from typing import Any

from tritongen.parts.targets.compose.service import (
    Fields,
    closed,
    health,
    reference,
    those_said,
)
from tritongen.records.stack import (
    INNER,
    REDIS,
    PlannedStack,
)

SHARE = 0.75
"""How much of its memory Redis fills with answers; it copies and sends in the rest."""


def service(stack: PlannedStack) -> dict[str, Any]:
    """Return the service: it keeps what was asked for last, in memory only."""
    kept = int(SHARE * stack.memory_bytes[REDIS])
    command = ["redis-server", "--save", "", "--appendonly", "no", "--maxmemory", str(kept)]
    command += ["--maxmemory-policy", "allkeys-lru"]
    environment = {}
    cache = stack.server.response_cache
    if cache and cache.redis and cache.redis.password:
        password = reference(cache.redis.password.env, "the password of the response cache")
        command += ["--requirepass", password]
        environment["REDISCLI_AUTH"] = password
    own: Fields = {
        "image": stack.images[REDIS],
        "command": command,
        "user": "redis",
        **those_said(environment=environment),
        "networks": [INNER],
        "tmpfs": ["/data:size=1m"],
        "healthcheck": health(["redis-cli", "ping"], start_s=30),
    }
    return closed(stack, REDIS, own)
