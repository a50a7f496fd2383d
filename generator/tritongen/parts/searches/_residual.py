"""What measurements say beyond the simulation: a Gaussian process over the places of settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LENGTH = 0.5
"""Settings that are so far apart, in the mean of all dimensions, err somewhat alike."""
BELIEVED = 3
"""The errors thought of before count as much as so many that were seen."""


@dataclass(frozen=True, kw_only=True)
class Errs:
    """How the simulation errs, in logarithms, before anything is known.

    ``everywhere`` is what is wrong alike for all settings, ``here`` what differs between them,
    ``noise`` what differs between two measurements of one.
    """

    everywhere: float
    here: float
    noise: float


THROUGHPUT = Errs(everywhere=0.08, here=0.06, noise=0.012)
LATENCY = Errs(everywhere=0.2, here=0.15, noise=0.08)


class Residual:
    """The logarithm of measured over simulated, as far as it was seen.

    ``places`` are rows of numbers from 0 to 1, one per dimension; ``seen`` the logarithms there.
    """

    def __init__(self, errs: Errs, places: Sequence[Sequence[float]], seen: Sequence[float]):
        import numpy as np

        self.errs = errs
        self.places = np.asarray(places, float)
        values = np.asarray(seen, float)
        # Where it errs more or less than was thought, it does so elsewhere, too.
        seen_square = float(((values - values.mean()) ** 2).sum()) if len(values) else 0.0
        square = BELIEVED * errs.here**2 + seen_square
        self.here = (square / (BELIEVED + len(values))) ** 0.5
        self.weights: Any = None
        if len(values):
            covered = self._alike(self.places, self.places) + np.eye(len(values)) * errs.noise**2
            self.inverse = np.linalg.inv(covered)
            self.weights = self.inverse @ values

    def _alike(self, a: Any, b: Any) -> Any:
        import numpy as np

        far = ((a[:, None, :] - b[None, :, :]) ** 2).mean(-1)
        close = np.exp(-far / (2 * LENGTH**2))
        return self.errs.everywhere**2 + self.here**2 * close

    def at(self, places: Sequence[Sequence[float]]) -> tuple[Any, Any]:
        """Return the means and the standard deviations at some places."""
        import numpy as np

        rows = np.asarray(places, float)
        prior = self.errs.everywhere**2 + self.here**2
        if self.weights is None:
            return np.zeros(len(rows)), np.full(len(rows), prior**0.5)
        between = self._alike(rows, self.places)
        mean = between @ self.weights
        known = np.einsum("ij,jk,ik->i", between, self.inverse, between)
        return mean, np.sqrt(np.maximum(prior - known, 1e-8))
