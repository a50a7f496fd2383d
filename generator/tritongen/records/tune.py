"""``tune:``: what is made best, within what limits, and what may move; ``None`` means «not said».

What it became when everything was decided is :class:`PlannedTune`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from tritongen.records.loadtest import Slo
from tritongen.records.scalars import Record, Whole, wrong
from tritongen.records.units import Fraction, SomeBytes, SomeTime, duration

Goal = Literal["throughput", "p99", "cost"]
Method = Literal["guided", "tpe", "random", "grid", "hill_climb"]
Value = bool | int | str | tuple[int, ...]
"""What a parameter can be."""
Positive = Annotated[Whole, Field(ge=1)]
Count = Annotated[Whole, Field(ge=0)]
TRIALS = re.compile(r"([0-9]{1,6})\s*trials?")
LEAST_TRIALS = 3
"""Where it stands, one other setting, and one of the two again."""


class Limits(Slo):
    """What a setting is held to: objectives as in ``slo:``, and what it may take.

    ``instances``, ``cores`` and ``gpus`` are those of all models together; ``memory`` is an
    estimate.
    """

    memory: SomeBytes | None = None
    instances: Positive | None = None
    cores: Fraction | None = None
    gpus: Count | None = None


def _budget(value: Any) -> Any:
    """Read ``25 trials``, ``10min``, or both with ``,`` or ``and`` between them."""
    if not isinstance(value, str):
        return value
    said: dict[str, Any] = {}
    for part in re.split(r",|\band\b", value):
        text = part.strip()
        match = TRIALS.fullmatch(text)
        key = "trials" if match else "time"
        if match and int(match[1]) < LEAST_TRIALS:
            raise wrong("type", f"at least {LEAST_TRIALS} trials", "write `25 trials`")
        if key in said or not text:
            raise wrong("type", "a budget", "write `25 trials`, `10min` or `25 trials, 10min`")
        said[key] = match[1] if match else duration(text)
    return said


class Budget(Record):
    """How much is measured at most: trials, time, or whichever of both is reached first."""

    trials: Annotated[Whole, Field(ge=LEAST_TRIALS)] | None = None
    time: SomeTime | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return _budget(value)


class Prices(Record):
    """What an hour of a core and of a GPU costs, in any currency."""

    core: Fraction = 0.04
    gpu: Fraction = 2.5


def _movable(value: Any) -> Any:
    """Read ``pinned``, one parameter, a list of them, or a mapping to what each may be."""
    if isinstance(value, str):
        return {} if value == "pinned" else {value: None}
    if isinstance(value, list):
        if not all(isinstance(each, str) for each in value):
            raise wrong("type", "names of parameters", "write `[instance_group.count]`")
        return dict.fromkeys(value)
    return value


Movable = Annotated[Mapping[str, Any], BeforeValidator(_movable)]
"""Parameter -> the texts of its values (a list, a range), ``None`` for those that make sense."""


class Tune(Record):
    """``tune:``; ``search`` is by model, and models that it does not name move as they can."""

    loadtest: str | None = None
    maximize: Literal["throughput"] | None = None
    minimize: Literal["p99", "cost"] | None = None
    constraints: Limits = Limits()
    search: Mapping[str, Movable] = Field(default_factory=dict)
    server: Movable = Field(default_factory=dict)
    budget: Budget = Budget(trials=25)
    method: Method = "guided"
    seed: Count = 0
    window: SomeTime = 5.0
    prices: Prices = Prices()

    @model_validator(mode="after")
    def _one_goal(self) -> "Tune":
        if self.maximize and self.minimize:
            message = "`maximize` and `minimize` exclude each other"
            raise wrong("exclusive", message, "keep one, and hold the other with `constraints:`")
        return self

    @property
    def goal(self) -> Goal:
        """What is made best."""
        return self.minimize or "throughput"


Candidates = tuple[Value, ...] | None
"""The values that a parameter may have; ``None``: they follow from what is measured."""


@dataclass(frozen=True, kw_only=True)
class PlannedTune:
    """A search with everything decided that can be before the first measurement.

    ``search`` maps a model to its parameters' candidates, ``server`` those of the server itself;
    ``pinned`` says of each other model why it stays as it is. ``limits`` are those said, completed
    from ``slo:``. ``trials`` or ``seconds`` may be without end. ``window_s`` is how long a trial
    measures.
    """

    loadtest: str
    goal: Goal
    limits: Limits
    search: Mapping[str, Mapping[str, Candidates]]
    server: Mapping[str, Candidates] = field(default_factory=dict)
    pinned: Mapping[str, str] = field(default_factory=dict)
    trials: int | None = 25
    seconds: float | None = None
    method: Method = "guided"
    seed: int = 0
    window_s: float = 5.0
    prices: Prices = field(default_factory=Prices)
