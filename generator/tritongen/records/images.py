"""Which images the stack's services run: ``resources/images.toml``."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True, kw_only=True)
class TritonImage:
    """An image of Triton, ``{release}`` for its tag, and the backends that it holds."""

    image: str
    backends: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Images:
    """Triton's images, the best known first; the others by service.

    ``locust_requirements`` are pip's lines for what the load program needs besides Locust.
    """

    triton: tuple[TritonImage, ...]
    services: Mapping[str, str]
    locust_requirements: tuple[str, ...]

    @property
    def backends(self) -> frozenset[str]:
        """All backends that one of them holds."""
        return frozenset[str]().union(*(each.backends for each in self.triton))

    def for_backends(self, needed: Iterable[str]) -> TritonImage | None:
        """Return the image that holds these backends, as far as they are known; maybe none does."""
        known = self.backends & frozenset(needed)
        return next((each for each in self.triton if known <= each.backends), None)


@cache
def images() -> Images:
    """Return the table of images."""
    text = files("tritongen.resources").joinpath("images.toml").read_text("utf-8")
    rows = tomllib.loads(text)
    return Images(
        triton=tuple(
            TritonImage(image=row["image"], backends=frozenset(row["backends"]))
            for row in rows["triton"]
        ),
        services=rows["services"],
        locust_requirements=tuple(rows["locust"]["requirements"]),
    )
