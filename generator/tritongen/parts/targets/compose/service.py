"""A service of the compose file: what all of them have in common, and how values are written."""

from collections.abc import Mapping, Sequence
from typing import Any

from tritongen.formats.yamlfile import Commented
from tritongen.records.machine import Env
from tritongen.records.stack import PlannedStack

PIDS = 512
"""Processes and threads that a service may have; Triton has many more threads."""

Fields = Mapping[str, Any]


class Reference(str):
    """Text in which ``${NAME}`` is replaced by docker compose; elsewhere a dollar is doubled."""

    __slots__ = ()


def reference(name: str, why: str) -> Reference:
    """Return what stands for a variable of the machine that starts the stack."""
    return Reference(f"${{{name}:?{why}}}")


def literal(value: Any) -> Any:
    """Return a structure in which docker compose replaces nothing but references."""
    if isinstance(value, Reference):
        return str(value)
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Commented):
        return Commented({k: literal(v) for k, v in value.values.items()}, value.comments)
    if isinstance(value, Mapping):
        return {key: literal(inner) for key, inner in value.items()}
    return [literal(item) for item in value] if isinstance(value, Sequence) else value


def closed(stack: PlannedStack, name: str, own: Fields, *, pids: int = PIDS) -> dict[str, Any]:
    """Return a service with what closes it: no rights, nothing to write to, bounds."""
    limits: dict[str, Any] = {"pids": pids}
    if name in stack.memory_bytes:
        limits["memory"] = size(stack.memory_bytes[name])
    if name in stack.cpus:
        limits["cpus"] = f"{stack.cpus[name]:g}"
    deploy = {**own.get("deploy", {})}
    deploy["resources"] = {"limits": limits, **deploy.get("resources", {})}
    return {
        **own,
        "deploy": deploy,
        "read_only": True,
        "tmpfs": own.get("tmpfs", ["/tmp:size=64m"]),  # noqa: S108, in the container
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "logging": {"driver": "local"},
        "restart": own.get("restart", "unless-stopped"),
    }


def published(address: str, host: int, inside: int) -> str:
    """Return a port of the host, at one of its addresses, that leads to one of the container."""
    return f"[{address}]:{host}:{inside}" if ":" in address else f"{address}:{host}:{inside}"


def mounted(folder: str, target: str) -> dict[str, Any]:
    """Return a folder of the project, read-only; docker is not to make it where it is missing."""
    return {
        "type": "bind",
        "source": f"./{folder}",
        "target": target,
        "read_only": True,
        "bind": {"create_host_path": False},
    }


def health(test: Sequence[str], *, start_s: int, timeout_s: int = 5) -> dict[str, Any]:
    """Return a health check that is asked often: what waits for it should not wait long."""
    return {
        "test": ["CMD", *test],
        "interval": "2s",
        "timeout": f"{timeout_s}s",
        "retries": 5,
        "start_period": f"{start_s}s",
    }


def wget(port: int, path: str) -> list[str]:
    """Return a test for images with busybox."""
    return ["wget", "-q", "-O", "/dev/null", f"http://127.0.0.1:{port}{path}"]


def after(*names: str, condition: str = "service_started") -> dict[str, Any]:
    """Return that a service starts after others, and stops before them."""
    return {name: {"condition": condition} for name in names}


def those_said(**fields: Any) -> dict[str, Any]:
    """Return the fields that hold anything."""
    return {name: value for name, value in fields.items() if value}


def secret_path(file: str | Env) -> str:
    """Return the path of a file on the machine that starts the stack, or what stands for it."""
    if isinstance(file, Env):
        return reference(file.env, "the path of a file")
    return file.replace("$", "$$")


def size(number: int) -> str:
    """Return bytes as docker compose reads them."""
    for unit, name in ((1 << 30, "g"), (1 << 20, "m"), (1 << 10, "k")):
        if number % unit == 0:
            return f"{number // unit}{name}"
    return f"{number}b"
