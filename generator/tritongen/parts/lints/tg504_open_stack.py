"""The stack is open to other machines, and nothing is asked of them.

`bind` other than this machine's own address (127.0.0.1) lets every machine that reaches it ask for
inference; what they send can be read on its way. With `tls` at the gateway it can't, with
`api_keys` only those with a key are answered. Grafana is on that address, too, and asks for its
password in the clear. Prometheus, Locust, Alertmanager and Jaeger ask for none: they stay at
127.0.0.1.
"""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "warning"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about an address that others reach without TLS and keys."""
    stack = plan.stack
    if stack is None or ip_address(stack.bind).is_loopback:
        return
    gateway = stack.gateway
    missing = [key for key in ("tls", "api_keys") if not (gateway and getattr(gateway, key))]
    if missing:
        yield Complaint(
            path=("stack", "bind"),
            message=f"the stack answers at {stack.bind} without {' and '.join(missing)}",
            why="who reaches this machine can use the models, and read what others send",
            fix="add them under gateway: {haproxy: {...}}, or bind: 127.0.0.1",
        )
