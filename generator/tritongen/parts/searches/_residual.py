"""What measurements say beyond the simulation: a Gaussian process over the places of settings."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

LENGTH = 0.5
"""Settings that are so far apart, in the mean of all dimensions, err somewhat alike."""
EVERYWHERE, HERE, NOISE = (1.0, 2.0, 4.0), (0.5, 1.0, 2.0, 4.0), (1.0, 2.0, 4.0, 8.0)
"""Errors and noise may be so many times those thought of before."""


@dataclass(frozen=True, kw_only=True)
class Errs:
    """How the simulation errs, in logarithms, before anything is known.

    ``everywhere`` is what is wrong alike for all settings, ``here`` what differs between them,
    ``noise`` what differs between two measurements of one. ``weight`` is the logarithm of how
    likely that is.
    """

    everywhere: float
    here: float
    noise: float
    weight: float = 0.0


THROUGHPUT = Errs(everywhere=0.08, here=0.06, noise=0.012)
LATENCY = Errs(everywhere=0.2, here=0.15, noise=0.08)


class Residual:
    """The logarithm of measured over simulated, as far as it was seen.

    ``places`` are rows of numbers from 0 to 1, one per dimension; ``seen`` the logarithms there.
    How much measurements of one setting differ is learned, too: what lies far off while its
    neighbours do not is more likely disturbed than good.
    """

    def __init__(self, errs: Errs, places: Sequence[Sequence[float]], seen: Sequence[float]):
        import numpy as np

        self.places = np.asarray(places, float)
        values = np.asarray(seen, float)
        self.errs, self.weights = errs, None
        if not len(values):
            return
        tried = [_Fit(each, self.places, values) for each in _likely(errs)]
        best = max(tried, key=lambda fit: fit.likelihood)
        self.errs, self.inverse, self.weights = best.errs, best.inverse, best.inverse @ values

    def at(self, places: Sequence[Sequence[float]]) -> tuple[Any, Any]:
        """Return the means and the standard deviations at some places."""
        import numpy as np

        rows = np.asarray(places, float)
        prior = self.errs.everywhere**2 + self.errs.here**2
        if self.weights is None:
            return np.zeros(len(rows)), np.full(len(rows), prior**0.5)
        between = _alike(self.errs, rows, self.places)
        mean = between @ self.weights
        known = np.einsum("ij,jk,ik->i", between, self.inverse, between)
        return mean, np.sqrt(np.maximum(prior - known, 1e-8))


class _Fit:
    """How well measurements fit some errors."""

    def __init__(self, errs: Errs, places: Any, values: Any) -> None:
        import numpy as np

        covered = _alike(errs, places, places) + np.eye(len(values)) * errs.noise**2
        self.errs, self.inverse = errs, np.linalg.inv(covered)
        surprise = float(values @ self.inverse @ values) + float(np.linalg.slogdet(covered)[1])
        self.likelihood = errs.weight - surprise / 2


def _likely(errs: Errs) -> Iterator[Errs]:
    """Yield what errors may be: twice as much is as unlikely as one standard deviation."""
    for everywhere, here, noise in product(EVERYWHERE, HERE, NOISE):
        yield Errs(
            everywhere=everywhere * errs.everywhere,
            here=here * errs.here,
            noise=noise * errs.noise,
            weight=-sum(math.log2(times) ** 2 for times in (everywhere, here, noise)) / 2,
        )


def _alike(errs: Errs, a: Any, b: Any) -> Any:
    import numpy as np

    far = ((a[:, None, :] - b[None, :, :]) ** 2).mean(-1)
    close = np.exp(-far / (2 * LENGTH**2))
    return errs.everywhere**2 + errs.here**2 * close
