"""Where values lie along an axis, and how figures are written for people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

Write = Callable[[float], str]


@dataclass(frozen=True, kw_only=True)
class Axis:
    """From ``low`` to ``high``; ``bend`` makes equal distances of what is to look equally far."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    write: Write
    bend: Callable[[float], float] = float

    def place(self, value: float) -> float:
        """Return where a value lies, from 0 to 1; what is outside lies at the end."""
        low, high = self.bend(self.low), self.bend(self.high)
        bent = self.bend(min(max(value, self.low), self.high))
        return (bent - low) / (high - low)


def linear(low: float, high: float, write: Write, ticks: int = 5) -> Axis:
    """Return an axis of equal steps with round ticks; it may end a little above ``high``."""
    high = high if high > low else low + 1
    step = _round_step((high - low) / ticks)
    # Rounding hides what floating point adds to a bound that is a multiple of the step.
    last = ceil(round(high / step, 6))
    first = ceil(round(low / step, 6))
    marks = tuple((n * step, write(n * step)) for n in range(first, last + 1))
    return Axis(low=low, high=max(last * step, high), ticks=marks, write=write)


def whole(low: float, high: float, write: Write, ticks: int = 6) -> Axis:
    """Return an axis that ends where the values do, for times and counts."""
    axis = linear(low, high, write, ticks)
    end = high if high > low else low + 1
    inside = tuple(tick for tick in axis.ticks if tick[0] <= end)
    return Axis(low=low, high=end, ticks=inside, write=write)


def logarithmic(low: float, high: float, write: Write) -> Axis:
    """Return an axis of equal ratios, with some round ticks; both ends are above 0."""
    low, high = low / 1.05, high * 1.05
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    decades = log10(high / low)
    digits = (1, 2, 5) if decades < 2 else (1, 3) if decades < 4 else (1,)
    values = [digit * 10.0**power for power in powers for digit in digits]
    marks = tuple((value, write(value)) for value in values if low <= value <= high)
    return Axis(low=low, high=high, ticks=marks, write=write, bend=log10)


def nines(count: int) -> Axis:
    """Return an axis of shares on which each further nine of a percentile takes equal room.

    It ends at the share that all but one of ``count`` values make up.
    """
    top = max(1 - 1 / max(count, 2), 0.9)
    shares = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999]
    marks = tuple((share, percentile(share)) for share in shares if share <= top)
    return Axis(low=0, high=top, ticks=marks, write=percentile, bend=_nines_of)


def _nines_of(share: float) -> float:
    return -log10(1 - share)


def _round_step(rough: float) -> float:
    power = 10.0 ** floor(log10(rough))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= rough * 0.999)


# ---- figures ----


def number(value: float) -> str:
    """Return a count, or a figure with three digits."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def rate(value: float) -> str:
    """Return something per second."""
    return f"{number(value)}/s"


def seconds(value: float) -> str:
    """Return a time in seconds, or minutes where those are whole."""
    if value >= 120 and value % 60 == 0:
        return f"{value / 60:.0f} min"
    return f"{value:g} s"


def milliseconds(value: float) -> str:
    """Return a time that is given in milliseconds, in the unit that suits it."""
    if value == 0:
        return "0"
    # Three digits decide the unit, so that nothing reads «1000 µs».
    for limit, unit, factor in ((0.9995, "µs", 1000.0), (999.5, "ms", 1.0)):
        if abs(value) < limit:
            return f"{float(f'{value * factor:.3g}'):g} {unit}"
    return f"{float(f'{value / 1000:.3g}'):g} s"


def share(value: float) -> str:
    """Return a share of one as a percentage."""
    percent = value * 100
    if percent and abs(percent) < 0.01:
        return "< 0.01%"
    return f"{float(f'{percent:.3g}'):g}%"


def percentile(value: float) -> str:
    """Return a share as the name of a percentile: p50, p99.9."""
    return "min" if value == 0 else f"p{float(f'{value * 100:.8g}'):g}"


def span(values: Sequence[float | None], write: Write) -> str:
    """Return a confidence interval; a unit that both ends have is said once."""
    low, high = ("" if each is None else write(each) for each in values)
    if not high:
        return f"{low} or more"
    number_, _, unit = low.partition(" ")
    return f"{number_ if unit and high.endswith(f' {unit}') else low} to {high}"
