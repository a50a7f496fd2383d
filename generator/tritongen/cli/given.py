"""Servers that run already are tuned, and get back what they had."""

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from tritongen.cli.loading import target_of
from tritongen.cli.output import messages
from tritongen.cli.request import address
from tritongen.cli.rolling import keys
from tritongen.errors import EngineError, SpecError, ToolMissingError
from tritongen.parts.engines import compose
from tritongen.parts.engines.compose import Docker, Inside, Ops
from tritongen.records.paths import STUDIES
from tritongen.records.plan import Plan
from tritongen.records.stack import INNER, TRITON
from tritongen.records.study import Setting
from tritongen.stages.measure import Target
from tritongen.stages.switch import (
    Configs,
    Control,
    Switch,
    configs,
    found,
    read_found,
    refuse_other_modes,
    write_found,
)
from tritongen.triton import Protocol, Statistics, UnreachableError, together

STACK = "stack/"
"""Before the name of a replica, where a note of what it had would have an address."""


@dataclass
class Held:
    """A server whose models are changed: ``note`` says what it ``had`` until it has it again."""

    switch: Switch
    had: Configs
    note: Path
    changed: bool = False


@dataclass
class Given:
    """A server, or replicas that answer as one, in explicit mode.

    ``reach`` returns them as they are now, by address; a note of each is kept in ``folder``.
    """

    target: Target
    reach: Callable[[], Mapping[str, Control]]
    folder: Path
    counters: Callable[[], tuple[Statistics, ...]] | None = None
    replicas: int = 1
    held: dict[str, Held] = field(default_factory=dict)

    def hold(self, plan: Plan) -> None:
        """Keep what is there to be changed, before anything is.

        Raises:
            SpecError: its models can't be changed.
            EngineError: it does not answer, or lacks a model; a replica is gone.
        """
        controls = self.reach()
        if gone := sorted(self.held.keys() - controls.keys()):
            raise EngineError(f"{', '.join(gone)} does not run any more")
        for name, control in controls.items():
            if name not in self.held:
                refuse_other_modes(control)
                had = found(control, configs(plan))
                note = self.folder / f"found-{re.sub(r'[^0-9A-Za-z.]+', '-', name)}.json"
                write_found(note, name, had)
                self.held[name] = Held(Switch(control, {}), had, note)
            elif self.held[name].switch.triton != control:  # started anew: it serves its files
                self.held[name].switch = Switch(control, {})

    def bring(self, setting: Setting, plan: Plan) -> Target:
        """Load what differs."""
        del setting  # the plan is that of it
        self.hold(plan)
        try:
            for each in self.held.values():
                each.changed = True
                each.switch.to(configs(plan))
        except EngineError:
            self.doubt()
            raise
        return self.target

    def doubt(self) -> None:
        """Load everything the next time: nothing is known of what is served."""
        for each in self.held.values():
            each.switch.has.clear()

    def close(self) -> None:
        """Load what they had."""
        for name, each in self.held.items():
            try:
                if each.changed and name in self.reach():
                    each.switch.to(each.had)
            except (EngineError, ToolMissingError) as error:
                messages.print(
                    f"{name} did not take back what it had: {error.message}\n"
                    "the next `tritongen tune` tries again",
                    style="yellow",
                )
            else:
                each.note.unlink(missing_ok=True)
            finally:
                each.switch.triton.close()


# ---- a server by its address ----


def at_url(url: str, protocol: Protocol, folder: Path) -> Given:
    """Return the server at an address; for a load test over HTTP a second one stands behind it.

    Raises:
        SpecError: the address is none, or the second one is missing.
    """
    grpc, _, http = url.partition(",")
    control = Target(address=address(grpc), protocol="grpc")
    if protocol != "http":
        return _by_client(control, control, folder)
    if not http:
        raise SpecError(
            "the load test sends over HTTP, and --url names a gRPC port only",
            fix=f"name both: --url {grpc},http://HOST:8000",
        )
    return _by_client(Target(address=address(http), protocol="http"), control, folder)


def _by_client(target: Target, control: Target, folder: Path) -> Given:
    client = control.client()
    return Given(target, lambda: {control.address: client}, folder)


# ---- a stack ----


def in_stack(
    plan: Plan,
    root: Path,
    protocol: Protocol,
    environment: Mapping[str, str],
    within: ExitStack,
) -> Given:
    """Return the stack that runs for a folder; ``within`` ends what talks with it.

    Raises:
        SpecError: the spec has none, or its models can't be changed while it runs.
        EngineError: none is running.
    """
    stack = plan.stack
    if stack is None:
        raise SpecError("the spec has no stack", fix="add `stack: {}`, or leave --engine out")
    if stack.server.model_control_mode != "explicit":
        raise SpecError(
            "the stack does not let its models be changed while it runs",
            why=f"its Triton is in mode {stack.server.model_control_mode or 'none'}",
            fix="say `server: {model_control_mode: explicit, load_model: '*'}` and start it again",
        )
    docker = Docker(root.absolute(), environment)
    docker.check()
    endpoint = compose.Compose(environment).find(root)
    if endpoint is None:
        raise EngineError(
            f"no stack is running in {root.resolve()}",
            fix="start it with `tritongen up --engine compose`",
        )
    target = target_of(endpoint, protocol)
    folder = root / STUDIES
    if stack.gateway is None:
        control = replace(target, address=endpoint.grpc, protocol="grpc")
        return _by_client(target, control, folder)
    ops = within.enter_context(compose.ops(docker, keys(stack)))
    inside: dict[str, Inside] = {}

    def reach() -> Mapping[str, Inside]:
        inside.clear()
        inside.update(replicas(docker, ops))
        return dict(inside)

    def counters() -> tuple[Statistics, ...]:
        return together([each.statistics() for each in inside.values()])

    return Given(target, reach, folder, counters, replicas=len(reach()))


def replicas(docker: Docker, ops: Ops) -> dict[str, Inside]:
    """Return the stack's Tritons that can be asked, by what a note calls them."""
    return {
        f"{STACK}{each.name}": Inside(
            ops, each.addresses[INNER], each.name, f"{each.id} {each.restarts}"
        )
        for each in compose.of_service(compose.running(docker.root, docker.environment), TRITON)
        if each.state == "running" and each.addresses.get(INNER)
    }


# ---- after a study that was killed ----


def restore(root: Path, plan: Plan, environment: Mapping[str, str]) -> None:
    """Give servers back what they had, if a study was killed before it did.

    One that does not answer gets it back another time.

    Raises:
        EngineError: a server refuses its own configurations.
    """
    left = {path: read_found(path) for path in sorted((root / STUDIES).glob("found*.json"))}
    with ExitStack() as within:
        inside: Mapping[str, Control] | None = None
        for path, said in left.items():
            if said is None:
                continue
            name, had = said
            if name.startswith(STACK) and inside is None:
                inside = _still_inside(root, plan, environment, within)
            control = _control(name, inside or {}, within)
            try:
                if control is not None:
                    Switch(control, {}).to(had)
                    messages.print(f"gave {name} back what it had before a study that was killed")
            except UnreachableError as error:
                messages.print(f"{name} can't be given back what it had: {error.message}")
            else:
                path.unlink()


def _control(name: str, inside: Mapping[str, Control], within: ExitStack) -> Control | None:
    if name.startswith(STACK):
        return inside.get(name)
    return within.enter_context(Target(address=name, protocol="grpc").client())


def _still_inside(
    root: Path, plan: Plan, environment: Mapping[str, str], within: ExitStack
) -> Mapping[str, Control]:
    """Return the replicas that still run; one that was started anew serves its files."""
    docker = Docker(root.absolute(), environment)
    if plan.stack is None or not compose.running(docker.root, environment):
        return {}
    return replicas(docker, within.enter_context(compose.ops(docker, keys(plan.stack))))
