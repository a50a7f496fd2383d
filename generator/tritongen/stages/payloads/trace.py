"""A recorded trace of arrivals: the times in the first column of a CSV file."""

import csv
from dataclasses import replace
from pathlib import Path

from tritongen.records.loadtest import PlannedLoadTest
from tritongen.records.plan import Plan
from tritongen.records.tree import Text
from tritongen.triton.values import WrongValueError


def read_trace(plan: Plan, test: PlannedLoadTest) -> PlannedLoadTest:
    """Return the load test with its trace, counted from the first arrival, if it replays one.

    It lasts as long as the trace if the spec does not say how long.

    Raises:
        WrongValueError: the file holds no times.
        OSError: it can't be read.
    """
    said = test.arrivals.trace
    if said is None:
        return test
    times = sorted(_times(plan.spec.base(*test.path, "arrivals", "trace") / said))
    shifted = [time - times[0] for time in times]
    text = "".join(f"{time:.6f}\n" for time in shifted)
    duration_s = test.duration_s
    if plan.spec.loadtests[test.name].duration is None:
        duration_s = max(shifted[-1], 1.0)
    return replace(test, trace=Text(text=text, owner="loadtests"), duration_s=duration_s)


def _times(path: Path) -> list[float]:
    times = []
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.reader(file), 1):
            try:
                times.append(float(row[0]))
            except (ValueError, IndexError) as error:
                if number > 1 and row:
                    raise WrongValueError(f"{path}:{number}: no time in seconds first") from error
    if not times:
        raise WrongValueError(f"{path} holds no times")
    return times
