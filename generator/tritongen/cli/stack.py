"""How a stack in containers is brought up and shown."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from rich.console import Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from tritongen.cli.build import Request
from tritongen.cli.output import console, messages, relative, show_findings, show_json
from tritongen.cli.planning import plan_spec, serving_of, write
from tritongen.cli.served import show_table
from tritongen.errors import EngineError, HostError, SpecError
from tritongen.parts.engines import compose
from tritongen.parts.engines.compose import Container, Scene, of_service
from tritongen.records.endpoint import Endpoint
from tritongen.records.paths import ENV_FILE
from tritongen.records.plan import Plan
from tritongen.records.stack import (
    ALERTMANAGER,
    ALERTMANAGER_PORT,
    COMPOSE_FILE,
    GATEWAY,
    GATEWAY_GRPC,
    GATEWAY_HTTP,
    GRAFANA,
    GRAFANA_PORT,
    JAEGER,
    JAEGER_PORT,
    LOCUST_MASTER,
    LOCUST_PORT,
    PROMETHEUS,
    PROMETHEUS_PORT,
    TLS_CERTIFICATE,
    TRITON,
    TRITON_GRPC,
    TRITON_HTTP,
    TRITON_METRICS,
)
from tritongen.records.tree import Tree
from tritongen.stages.render import render
from tritongen.stages.rollout import digest, forget, manifest_at, manifest_of, note_served, served

MOODS = {"ready": "green", "starting": "yellow", "broken": "bold red", "stopped": "dim"}
MARKS = {"ready": "✓", "starting": "…", "broken": "✗", "stopped": "-"}
PAGES = (
    ("http", GATEWAY, GATEWAY_HTTP, "http://"),
    ("grpc", GATEWAY, GATEWAY_GRPC, ""),
    ("http", TRITON, TRITON_HTTP, "http://"),
    ("grpc", TRITON, TRITON_GRPC, ""),
    ("metrics", TRITON, TRITON_METRICS, "http://"),
    ("grafana", GRAFANA, GRAFANA_PORT, "http://"),
    ("prometheus", PROMETHEUS, PROMETHEUS_PORT, "http://"),
    ("locust", LOCUST_MASTER, LOCUST_PORT, "http://"),
    ("alertmanager", ALERTMANAGER, ALERTMANAGER_PORT, "http://"),
    ("jaeger", JAEGER, JAEGER_PORT, "http://"),
)
"""What a person opens: its name, service, port inside the container, and how its address begins."""
SECURED = {"http": "https://", "grpc": "grpcs://"}
"""What speaks TLS where its container has a certificate; Locust has it to know the gateway by."""


class Stage:
    """Shows the containers while they start, on a terminal only; called with every scene."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._live = Live(console=messages, transient=True, refresh_per_second=10)
        if messages.is_terminal:
            self._live.start()

    @property
    def seconds(self) -> float:
        """How long ago this was made."""
        return time.monotonic() - self._began

    def __call__(self, scene: Scene) -> None:
        """Show what is being done, and each container."""
        if messages.is_terminal:
            self._live.update(Group(Spinner("dots", scene.doing), *map(Text, lines(scene))))

    def close(self) -> None:
        """Remove it from the screen."""
        self._live.stop()


def lines(scene: Scene) -> list[str]:
    """Return a line for each container: how it is, and what it is doing."""
    result = []
    for each in scene.containers:
        ready, total = scene.loading.get(each.name, (0, 0))
        doing = f"  {ready} of {total} models ready" if total else ""
        result.append(f"  {MARKS[each.mood]} {each.name}  {words(each)}{doing}")
    return result


def words(container: Container) -> str:
    """Say in words how a container is."""
    if container.state == "running":
        return {"": "running", "starting": "starting"}.get(container.health, container.health)
    if container.state == "exited" and container.exit_code:
        return f"exited ({container.exit_code})"
    return container.state


def up(request: Request, *, timeout_s: float, as_json: bool) -> None:
    """Build a spec, bring its stack up, and say where it answers."""
    plan, files = built(request)
    before = {each.id for each in compose.running(request.root, os.environ)}
    stage = Stage()
    try:
        endpoint = compose.start(
            compose.Starting(root=request.root, environment=os.environ, timeout_s=timeout_s), stage
        )
    finally:
        stage.close()
    found = compose.running(request.root, os.environ)
    known = served(request.root)
    tritons = of_service(found, TRITON)
    new = {each.id: files for each in tritons if each.id not in before}
    note_served(request.root, {**known, **new})
    forget(request.root)
    if as_json:
        show_json({"seconds": round(stage.seconds, 1), **facts(endpoint, found)})
        return
    messages.print(Text(f"ready in {stage.seconds:.1f} s", style="bold green"))
    show_table(pages_table(found, request.root))
    example = next(iter(plan.loadtests), None)
    where = "" if request.root.resolve() == Path.cwd() else f" -o {relative(request.root)}"
    if example:
        messages.print(f"\n  tritongen load {example}{where} puts it under load", style="dim")
    messages.print(f"  tritongen down{where} stops it", style="dim")


def built(request: Request) -> tuple[Plan, str]:
    """Build a spec that has a stack; return its plan, and what tells its models from others."""
    plan, findings = plan_spec(request)
    show_findings(findings)
    if plan.stack is None:
        raise SpecError(
            "the spec has no stack",
            why="`stack:` says which containers serve it",
            fix="add `stack: {}`, or serve it with `tritongen up --engine embedded`",
        )
    tree = render(plan)
    files = digest(manifest_of(tree))
    refuse_change(request.root, tree, files)
    changes = write(plan, request.root)
    request.remember(findings, len(changes), serving_of(plan))
    return plan, files


def refuse_change(root: Path, tree: Tree, files: str) -> None:
    """Refuse to start what runs already if Triton would go on with old models, or all end at once.

    What a replica has loaded that others started is taken to be what was built before.
    """
    running = of_service(compose.running(root, os.environ), TRITON)
    if not running:
        return
    loaded, built = served(root), digest(manifest_at(root))
    others = any(loaded.get(each.id, built) != files for each in running)
    text = getattr(tree.entries.get(COMPOSE_FILE), "text", "")
    if others or _triton(text) != _triton((root / COMPOSE_FILE).read_text("utf-8")):
        count = "1 replica" if len(running) == 1 else f"{len(running)} replicas"
        raise HostError(
            f"the stack runs here already ({count} of Triton), and the spec has changed since",
            fix="bring it to the spec with `tritongen rollout`, which loses no request, "
            "or stop it first with `tritongen down`",
        )


def _triton(text: str) -> Any:
    """Return how a compose file defines Triton, however many of it there are."""
    service = yaml.safe_load(text)["services"][TRITON]
    service["deploy"].pop("replicas", None)
    return service


def facts(endpoint: Endpoint | None, found: Sequence[Container]) -> dict[str, Any]:
    """Return what a program may want to know, JSON-able."""
    rows = [
        {
            **asdict(each),
            "mood": each.mood,
            "mounts": sorted(each.mounts),
            "ports": {str(inside): where for inside, where in each.ports.items()},
        }
        for each in found
    ]
    return {
        "running": endpoint is not None,
        "ready": bool(found) and all(each.mood == "ready" for each in found),
        "endpoint": asdict(endpoint) if endpoint else None,
        "pages": pages(found),
        "containers": rows,
    }


def pages(found: Sequence[Container]) -> Mapping[str, str]:
    """Return where a person finds what, by name."""
    result: dict[str, str] = {}
    for name, service, port, begin in PAGES:
        for each in found:
            if each.service == service and port in each.ports:
                secure = SECURED if TLS_CERTIFICATE in each.mounts else {}
                result.setdefault(name, f"{secure.get(name, begin)}{each.ports[port]}")
    return result


def pages_table(found: Sequence[Container], root: Path) -> Table:
    """Lay out where the stack answers."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, where in pages(found).items():
        note = ""
        if name == "grafana":
            note = f"user admin, password in {relative(root / ENV_FILE)}"
        table.add_row(Text(name, style="dim"), Text(where), Text(note, style="dim"))
    return table


def services_table(found: Sequence[Container]) -> Table:
    """Lay out the services: how many containers each has, how they are, where they answer."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("service", "replicas", "state", "published at", "restarts"):
        table.add_column(column)
    for service in dict.fromkeys(each.service for each in found):
        own = [each for each in found if each.service == service]
        ready = sum(each.mood == "ready" for each in own)
        moods = dict.fromkeys(words(each) for each in own)
        worst = next(m for m in ("broken", "stopped", "starting", "ready")
                     if m in {each.mood for each in own})  # fmt: skip
        table.add_row(
            Text(service, style="bold"),
            f"{ready}/{len(own)}",
            Text(", ".join(moods), style=MOODS[worst]),
            ", ".join(where for each in own for where in each.ports.values()) or "-",
            str(sum(each.restarts for each in own) or "-"),
        )
    return table


def status(endpoint: Endpoint, root: Path, *, as_json: bool) -> None:
    """Show a stack; raise ``EngineError`` if a service of it is not well."""
    found = compose.running(root, os.environ)
    if as_json:
        show_json(facts(endpoint, found))
    else:
        show(found, root)
    if sick := [each for each in found if each.mood in {"broken", "stopped"}]:
        raise EngineError(
            f"not well: {', '.join(each.name for each in sick)}",
            fix=f"see why: tritongen logs --service {sick[0].service}",
        )


def show(found: Sequence[Container], root: Path) -> None:
    """Write the state of a stack for a person."""
    well = all(each.mood == "ready" for each in found)
    state = Text("ready" if well else "not ready", style="bold green" if well else "bold red")
    console.print(Text.assemble(state, (f"  {len(found)} containers", "dim")))
    show_table(services_table(found))
    show_table(pages_table(found, root))
