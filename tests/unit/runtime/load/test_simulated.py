"""The simulator sends when the load program does."""

from typing import Any

import load_arrivals
import numpy as np
import pytest
from tests.unit.runtime.load.test_arrivals import scenario

from tritongen.records.loadtest import Arrivals, Burst, Paced, Stage
from tritongen.simulate.arrivals import due_ms

RAMP = Stage.model_validate({"duration": "2s", "rate": "60/s", "from": "10/s"})
CASES: dict[str, tuple[Arrivals, Any]] = {
    "poisson": (Arrivals(poisson=Paced(rate=40)), scenario("poisson", (40, 40, 1), warmup=1)),
    "constant": (Arrivals(constant=Paced(rate=40)), scenario("constant", (40, 40, 1), warmup=1)),
    "stages": (Arrivals(stages=(RAMP,)), scenario("stages", (10, 60, 2), duration=2, warmup=1)),
    "burst": (
        Arrivals(burst=Burst(size=3, every=0.4)),
        scenario("burst", warmup=1, size=3, every_s=0.4),
    ),
}


@pytest.mark.parametrize("law", CASES)
def test_simulated_requests_are_due_when_those_of_the_load_program_are(law: str) -> None:
    said, program = CASES[law]
    theirs = list(load_arrivals.due(program))
    ours = due_ms(said, np.random.default_rng(program.seed), warmup_s=1.0)
    assert len(theirs) > 20
    assert [next(ours) / 1000 - 1 for _ in theirs] == pytest.approx(theirs)
