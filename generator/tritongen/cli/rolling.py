"""How a stack is rolled: what is planned, handed to the stage, and shown."""

import os
import time
from collections.abc import Mapping
from dataclasses import asdict

from rich.live import Live
from rich.table import Table
from rich.text import Text

from tritongen.cli.build import Request
from tritongen.cli.output import console, messages, show_findings, show_json
from tritongen.cli.planning import plan_spec, serving_of, write
from tritongen.errors import EngineError, SpecError
from tritongen.parts.engines import compose
from tritongen.parts.engines.compose import Docker
from tritongen.records.plan import Plan
from tritongen.records.stack import GATEWAY, TRITON, PlannedStack
from tritongen.records.tree import Tree
from tritongen.stages import rollout as stage
from tritongen.stages.apply import apply, diff
from tritongen.stages.infer import gather, generate, signature
from tritongen.stages.render import render
from tritongen.stages.rollout import Change, Move, Outcome, Stack, Terms
from tritongen.triton.values import Array

STYLES = {"serving": "green", "going back": "bold red"}
HEADER = "triton-grpc-protocol-"
"""What Triton wants before the name of a header that opens a part of its protocol."""


class Board:
    """Shows what is done to each replica; on a terminal as a table, else a line for each change."""

    def __init__(self) -> None:
        self.moves: dict[str, Move] = {}
        self._began = time.monotonic()
        self._live = Live(console=messages, refresh_per_second=8)
        if messages.is_terminal:
            self._live.start()

    def __call__(self, move: Move) -> None:
        """Show a move."""
        if move.replica:
            self.moves[move.replica] = move
        at = f"{time.monotonic() - self._began:6.1f} s"
        if not messages.is_terminal:
            messages.print(f"{at}  {move.replica or 'everything'}: {move.doing}")
            return
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for name, last in self.moves.items():
            style = STYLES.get(last.doing, "yellow")
            table.add_row(Text(name, style="bold"), Text(last.doing, style=style))
        table.add_row(Text(at, style="dim"), Text("" if move.replica else move.doing, "bold red"))
        self._live.update(table)

    def close(self) -> None:
        """Leave the last state on the screen."""
        self._live.stop()


def rollout(request: Request, *, timeout_s: float, drain_s: float, as_json: bool) -> None:
    """Bring the stack that runs for a spec to it, and say what was done."""
    plan, findings = plan_spec(request)
    show_findings(findings)
    docker = Docker(request.root.absolute(), os.environ)
    stack = check_rollable(plan, docker)
    tree = render(plan)
    if not any_change(tree, docker):
        show(Outcome(seconds=0.0, replicas=(), renewed=0, cut={}), (), as_json=as_json)
        return
    terms = Terms(
        checks=stage.checks(plan, generated(plan)),
        drain_s=drain_s,
        grace_s=stack.stop_grace_s,
        timeout_s=timeout_s,
    )
    before = stage.keep(docker.root)
    board = Board()
    try:
        with compose.ops(docker, keys(stack)) as ops:
            under = Stack(docker=docker, ops=ops, terms=terms, watch=board)
            outcome = stage.roll(under, change(plan, stack, docker, before))
        around = stage.settle(docker, stage.manifest_of(before), stage.manifest_of(tree))
    finally:
        board.close()
        stage.forget(docker.root)
    request.remember(findings, len(tree.entries), serving_of(plan))
    show(outcome, around, as_json=as_json)


def check_rollable(plan: Plan, docker: Docker) -> PlannedStack:
    """Return the stack of a plan that can be rolled; say why if it can't."""
    if plan.stack is None:
        raise SpecError("the spec has no stack", fix="add `stack: {}`")
    if plan.stack.gateway is None:
        raise SpecError(
            "a stack without a gateway can't be changed without losing requests",
            why="clients ask Triton itself",
            fix="write `stack: {gateway: haproxy}`, or `tritongen down` and `tritongen up`",
        )
    docker.check()
    running = compose.running(docker.root, docker.environment)
    for service in (TRITON, GATEWAY):
        own = compose.of_service(running, service)
        if not any(each.mood == "ready" for each in own):
            raise EngineError(
                f"no {service} is running in {docker.root}" if not own else f"no {service} is well",
                fix="start the stack with `tritongen up --engine compose`",
            )
    return plan.stack


def any_change(tree: Tree, docker: Docker) -> bool:
    """Tell whether a file differs, or a replica does not serve what the files say."""
    if any(each.action != "keep" for each in diff(tree, docker.root)):
        return True
    found = compose.of_service(compose.containers(docker), TRITON)
    config = compose.config_of(docker, TRITON)
    files = stage.digest(stage.manifest_of(tree))
    loaded = stage.served(docker.root)
    wanted = compose.definition(docker).services[TRITON].replicas
    return bool(stage.stale(found, loaded, config=config, files=files)) or len(found) != wanted


def change(plan: Plan, stack: PlannedStack, docker: Docker, before: Tree) -> Change:
    """Return what is to become of a stack."""
    old, new = stage.manifest_of(before), stage.manifest_of(render(plan))

    def forth() -> None:
        write(plan, docker.root)
        compose.prepare(docker)

    def back() -> None:
        apply(diff(before, docker.root, force=True), docker.root, before)

    explicit = stack.server.model_control_mode == "explicit"
    return Change(
        write=forth,
        restore=back,
        before=stage.digest(old),
        after=stage.digest(new),
        replicas=stack.replicas,
        control=stage.control(plan, old, new) if explicit else None,
    )


def generated(plan: Plan) -> dict[str, Mapping[str, Array]]:
    """Return a request for each model that no load test asks."""
    found: dict[str, Mapping[str, Array]] = {}
    for name in stage.unasked(plan):
        model = signature(plan.models[name].config)
        found[name] = gather(model, generate(model))
    return found


def keys(stack: PlannedStack) -> dict[str, str]:
    """Return the headers that open Triton's control, with the variables that hold their values."""
    groups = stack.server.grpc_restricted_protocol or ()
    return {
        f"{HEADER}{group.header}": group.value.env
        for group in groups
        if "model-repository" in group.apis
    }


def show(outcome: Outcome, around: tuple[str, ...], *, as_json: bool) -> None:
    """Say what a rollout did."""
    if as_json:
        show_json({**asdict(outcome), "around": around})
        return
    if not outcome.replicas:
        console.print("nothing to do: every replica serves what the spec says", style="green")
        return
    count = len(outcome.replicas)
    serve = "1 replica serves" if count == 1 else f"{count} replicas serve"
    console.print(
        f"{serve} what the spec says, {outcome.renewed} of them since now "
        f"({outcome.seconds:.1f} s)",
        style="green",
    )
    if around:
        console.print(f"reloaded or replaced: {', '.join(around)}")
    for name, requests in outcome.cut.items():
        console.print(
            f"{requests} requests were still under way at {name} when it was stopped",
            style="yellow",
        )
