"""Values that name something of the machine that runs a stack, read from the text in the spec.

Addresses, images, GPUs, files, and the variables of its environment that hold secrets.
"""

import ipaddress
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from tritongen.records.scalars import Record, Whole, one_or_many, quote, wrong
from tritongen.records.units import SomeBytes

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
IMAGE = re.compile(
    r"(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
LEAST_MEMORY = 6 << 20
URL = re.compile(r"https?://[^\s\x00-\x1f]+")


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise wrong(
            "choice",
            f"{quote(value)} is not an address",
            "write an IP address of this machine: 127.0.0.1, or 0.0.0.0 for all of them",
        ) from None


def _image(value: str) -> str:
    if not IMAGE.fullmatch(value):
        raise wrong(
            "choice",
            f"{quote(value)} is not the name of an image",
            "write it like `registry/name:tag`, with `@sha256:<64 digits>` to pin it",
        )
    return value


def _variable(value: str) -> str:
    if not VARIABLE.fullmatch(value):
        raise wrong("name", f"{quote(value)} cannot be the name of a variable", "write `NAME`")
    return value


def _path(value: str) -> str:
    if not value or not value.isprintable():
        raise wrong("path", f"{quote(value)} cannot be a path", "write the path of a file")
    return value


def _url(value: str) -> str:
    if not URL.fullmatch(value):
        raise wrong("type", "a URL", "write it like `https://alerts.example/hook`")
    return value


def _memory(value: int) -> int:
    if value < LEAST_MEMORY:
        raise wrong("type", "at least 6MiB, which is the least that Docker takes", "write `1GiB`")
    return value


def _gpus(value: Any) -> Any:
    numbers = one_or_many(value)
    if value in ("none", "all") or not isinstance(numbers, list | tuple):
        return value
    if not all(isinstance(each, str) and each.isdecimal() for each in numbers) or not numbers:
        raise wrong("type", "`none`, `all`, or numbers of GPUs", "write it like `[0, 1]`")
    if len(set(numbers)) != len(numbers):
        raise wrong("type", "each GPU once", "name each once")
    return numbers


class Env(Record):
    """A value that generated files only refer to: the variable ``env`` where the stack starts."""

    env: Annotated[str, AfterValidator(_variable)]


EITHER = Discriminator(lambda value: "text" if isinstance(value, str) else "env")

Address = Annotated[str, AfterValidator(_address)]
Image = Annotated[str, AfterValidator(_image)]
Memory = Annotated[SomeBytes, AfterValidator(_memory)]
Gpu = Annotated[Whole, Field(ge=0)]
Gpus = Annotated[Literal["none", "all"] | tuple[Gpu, ...], BeforeValidator(_gpus)]
SecretFile = Annotated[
    Annotated[str, AfterValidator(_path), Tag("text")] | Annotated[Env, Tag("env")], EITHER
]
"""A file on the machine that runs the stack: a path that starts beside ``docker-compose.yml``."""
SecretUrl = Annotated[
    Annotated[str, AfterValidator(_url), Tag("text")] | Annotated[Env, Tag("env")], EITHER
]
