"""The order of a rollout: which replicas change, in which order, and the way back."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tritongen.errors import TritongenError
from tritongen.parts.engines import compose
from tritongen.parts.engines.compose import Container
from tritongen.records.stack import TRITON
from tritongen.stages.rollout.control import Control
from tritongen.stages.rollout.files import note_served, served
from tritongen.stages.rollout.replica import Move, Stack, address

AS_BEFORE = "everything is as it was before, and serves"
AGAIN = "see what runs with `tritongen status`; `tritongen rollout` tries again"


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is to become of a stack.

    ``write`` puts the new files in place and ``restore`` the old ones; ``before`` and ``after``
    tell the two states of the model repository. ``replicas`` is how many the spec wants.
    ``control`` loads models where they are controlled explicitly; else containers are replaced.
    """

    write: Callable[[], None]
    restore: Callable[[], None]
    before: str
    after: str
    replicas: int
    control: Control | None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a rollout did: the replicas as they are now, and how many were changed or added.

    ``cut`` are requests (streams) that were still under way when a replica was stopped, by its
    name.
    """

    seconds: float
    replicas: tuple[str, ...]
    renewed: int
    cut: Mapping[str, int]


def stale(
    found: Sequence[Container], loaded: Mapping[str, str], *, config: str, files: str
) -> list[Container]:
    """Return the replicas that serve other files, or run by another definition, than these.

    What a replica loaded is not known if it was not started by us: it counts as stale.
    """
    return [
        each
        for each in found
        if each.mood != "ready" or each.config != config or loaded.get(each.id) != files
    ]


def roll(stack: Stack, change: Change) -> Outcome:
    """Bring every replica to the new files; clients lose nothing.

    Raises what made a replica fail, after everything is as it was; what can't be brought back is
    said with it.
    """
    began = time.monotonic()
    rolling = _Rolling(stack, change, old=stack.replicas(), loaded=served(stack.docker.root))
    try:
        change.write()
        renewed = rolling.forth()
    except TritongenError as error:
        try:
            rolling.back()
        except TritongenError as second:
            error.why = (
                f"{error.why}\ngoing back failed, too: {second.message}\n{second.why}".strip()
            )
            error.fix = AGAIN
        else:
            error.why = f"{error.why}\n{AS_BEFORE}".lstrip()
        raise
    except KeyboardInterrupt:
        rolling.back()
        raise
    finally:
        rolling.note()
    return Outcome(
        seconds=time.monotonic() - began,
        replicas=tuple(each.name for each in stack.replicas()),
        renewed=renewed,
        cut=dict(stack.cut),
    )


@dataclass
class _Rolling:
    """A rollout under way: ``old`` are the replicas before it, ``loaded`` is kept up to date."""

    stack: Stack
    change: Change
    old: Sequence[Container]
    loaded: dict[str, str]
    told: list[Container] = field(default_factory=list)

    def note(self) -> None:
        """Write down which files each replica has loaded."""
        now = {each.id for each in self.stack.replicas()}
        loaded = {name: files for name, files in self.loaded.items() if name in now}
        note_served(self.stack.docker.root, loaded)

    def forth(self) -> int:
        """Bring one replica after the other to the new files; return how many, with new ones."""
        config = compose.config_of(self.stack.docker, TRITON)
        old = stale(self.old, self.loaded, config=config, files=self.change.after)
        spare = len(self.old) - self.change.replicas
        surplus = [*old, *(each for each in self.old if each not in old)][: max(spare, 0)]
        for each in surplus:
            self._retire(each)
        old = [each for each in old if each not in surplus]
        for each in old:
            if self.change.control and each.config == config and each.mood == "ready":
                self._tell(each, self.change.control)
            else:
                self.loaded[self._swap(each).id] = self.change.after
        added = 0
        while len(now := self.stack.replicas()) < self.change.replicas:
            added += 1
            new = self.stack.add(len(now) + 1)
            self.stack.admit(new)
            self.loaded[new.id] = self.change.after
        return len(old) + added

    def back(self) -> None:
        """Bring files and replicas back to what they were."""
        self.stack.watch(Move(replica="", doing="going back"))
        self.change.restore()
        kept = {each.id for each in self.old}
        for each in self.told:
            assert self.change.control, "told by it"
            self.change.control.back(self.stack.ops, address(each))
        for each in self.stack.replicas():
            if each.id not in kept:
                self._undo(each)
        while len(now := self.stack.replicas()) < len(self.old):
            self._old(len(now) + 1)
        for each in self.stack.replicas():
            self.stack.admit(each)
        self.stack.watch(Move(replica="", doing="as before"))

    def _tell(self, replica: Container, control: Control) -> None:
        """Have a replica load what changed, while it gets no requests."""
        self.stack.drain(replica)
        self.stack.watch(Move(replica=replica.name, doing="loading"))
        self.told.append(replica)
        control.forth(self.stack.ops, address(replica))
        self.stack.verify(replica)
        self.stack.admit(replica)
        self.loaded[replica.id] = self.change.after

    def _swap(self, replica: Container) -> Container:
        """Put a new replica in the place of another; the only one goes when the new one serves."""
        count = len(self.stack.replicas())
        if count == 1 and replica.mood == "ready":
            new = self.stack.add(2)
            self.stack.admit(new)
            self._retire(replica)
            return new
        self._retire(replica)
        new = self.stack.add(count)
        self.stack.admit(new)
        return new

    def _undo(self, replica: Container) -> None:
        """Put a replica with the old files in the place of one that was started with the new."""
        count = len(self.stack.replicas())
        if count == 1 and replica.mood == "ready":
            self._old(2)
        self._retire(replica)

    def _old(self, count: int) -> None:
        new = self.stack.add(count, verified=False)
        self.stack.admit(new)
        self.loaded[new.id] = self.change.before

    def _retire(self, replica: Container) -> None:
        self.stack.drain(replica)
        self.stack.close(replica)
        self.stack.watch(Move(replica=replica.name, doing="stopping"))
        compose.remove(self.stack.docker, replica, self.stack.terms.grace_s)
