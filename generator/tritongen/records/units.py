"""Values with units, as the language's own keys write them: ``60s``, ``64KiB``, ``0.1%``, ``5/s``.

All are read into plain numbers: seconds, bytes, fractions of one, per second.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, model_validator

from tritongen.records.scalars import Record, wrong

NUMBER = r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+"
SIGNED = rf"-?(?:{NUMBER})(?:[eE][+-]?[0-9]+)?"
SECONDS: Mapping[str, float] = {"us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "m": 60, "h": 3600}
BYTES: Mapping[str, int] = {
    "B": 1,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
}
PER_SECOND: Mapping[str, float] = {"s": 1, "min": 1 / 60, "m": 1 / 60, "h": 1 / 3600}
PART = re.compile(rf"({NUMBER})\s*(us|ms|s|min|m|h)")
DURATION = re.compile(rf"(?:{PART.pattern}\s*)+")
SIZE = re.compile(rf"({NUMBER})\s*({'|'.join(BYTES)})")
PERCENTAGE = re.compile(rf"({NUMBER})\s*%")
RATE = re.compile(rf"({NUMBER})\s*/\s*({'|'.join(PER_SECOND)})")
RANGE = re.compile(rf"({SIGNED})(?:\s*\.\.\s*({SIGNED}))?(\s+log)?")
LENGTHS = re.compile(r"(?P<low>[^.\s]\S*?)(?:\s*\.\.\s*(?P<high>\S+?))?(?P<log>\s+log)?")


def duration(text: str) -> float:
    """Read ``500ms``, ``60s``, ``1m30s`` as seconds."""
    if not DURATION.fullmatch(text):
        raise wrong("type", "a duration", "write it with its unit: `500ms`, `60s`, `2m`, `1h`")
    return sum(float(number) * SECONDS[unit] for number, unit in PART.findall(text))


def size(text: str) -> int:
    """Read ``64KiB``, ``1.5MB`` as bytes; a bare whole number is bytes, too."""
    match = SIZE.fullmatch(text)
    if text.isascii() and text.isdigit():
        return int(text)
    if not match:
        raise wrong("type", "a size", "write it with its unit: `512B`, `64KiB`, `1MB`")
    return int(float(match[1]) * BYTES[match[2]])


def percentage(text: str) -> float:
    """Read ``0.1%`` as a fraction of one, at most 1."""
    match = PERCENTAGE.fullmatch(text)
    if not match or float(match[1]) > 100:
        raise wrong("type", "a percentage from 0% to 100%", "write it like `0.1%`")
    return float(match[1]) / 100


def rate(text: str) -> float:
    """Read ``200/s``, ``30/min`` as a number per second."""
    match = RATE.fullmatch(text)
    if not match:
        raise wrong("type", "a rate", "write it like `200/s` or `30/min`")
    return float(match[1]) * PER_SECOND[match[2]]


def _positive(what: str, fix: str, value: Any) -> Any:
    if isinstance(value, float) and not 0 < value < 1e12:
        raise wrong("type", f"{what} above zero", fix)
    return value


def _read(value: Any, parse: Any) -> Any:
    return parse(value) if isinstance(value, str) else value


def _duration(value: Any) -> Any:
    return _read(value, duration)


def _some_time(value: Any) -> Any:
    return _positive("a duration", "write how long: `10s`", _duration(value))


def _some_bytes(value: Any) -> Any:
    number = _read(value, size)
    if isinstance(number, int) and not 0 < number < 1 << 50:
        raise wrong("type", "a size above zero", "write how much: `64MiB`")
    return number


def _percentage(value: Any) -> Any:
    return _read(value, percentage)


def _rate(value: Any) -> Any:
    return _positive("a rate", "write how many: `10/s`", _read(value, rate))


def _number(value: Any) -> Any:
    if isinstance(value, str):
        if not re.fullmatch(SIGNED, value) or not 0 <= float(value) < 1e12:
            raise wrong("type", "a number of at least 0", "write it in decimal digits: 0.5")
        return float(value)
    return value


def _weight(value: Any) -> Any:
    return _positive("a number", "write how large its share is: 3", _number(value))


Fraction = Annotated[float, BeforeValidator(_number)]
Weight = Annotated[float, BeforeValidator(_weight)]
Duration = Annotated[float, BeforeValidator(_duration)]
SomeTime = Annotated[float, BeforeValidator(_some_time)]
"""A duration above zero."""
SomeBytes = Annotated[int, BeforeValidator(_some_bytes)]
"""A size in bytes, above zero."""
Percentage = Annotated[float, BeforeValidator(_percentage)]
Rate = Annotated[float, BeforeValidator(_rate)]
"""Above zero."""


class Range(Record):
    """Numbers from ``low`` to ``high``, both included; ``log``: small ones as likely as large.

    Written ``8``, ``8..512``, ``-1..1``, ``8..512 log``.
    """

    low: float
    high: float
    log: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        match = RANGE.fullmatch(value)
        if not match:
            raise wrong("type", "a number or a range", "write `8`, `8..512` or `8..512 log`")
        return _range(float(match[1]), float(match[2] or match[1]), log=bool(match[3]))


class Lengths(Range):
    """Lengths in bytes from ``low`` to ``high``: ``16``, ``1KiB..64KiB``, ``1..1MiB log``."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        match = LENGTHS.fullmatch(value)
        if not match:
            raise wrong("type", "a size or a range of sizes", "write `512B` or `1KiB..64KiB`")
        low = size(match["low"])
        return _range(low, size(match["high"]) if match["high"] else low, log=bool(match["log"]))


def _range(low: float, high: float, *, log: bool) -> dict[str, float]:
    if high < low:
        raise wrong("type", "a range whose end is not below its start", "swap its ends")
    if log and low <= 0:
        raise wrong("type", "a `log` range that starts above zero", "let it start at 1")
    return {"low": low, "high": high, "log": log}
