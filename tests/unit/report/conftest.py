"""A load test of the example on the real server, as `tritongen load` kept it."""

from dataclasses import replace
from pathlib import Path

import pytest

from tritongen.records.measurement import Measurement, Verdict
from tritongen.stages.measure import read_measurement

HERE = Path(__file__).parent
LATE = "the load generator woke up 9.6 ms late (p99; p99 of latency: 71.7 ms): give it more cores"


@pytest.fixture
def measured() -> Measurement:
    """30 s of 70 requests a second that kept all three objectives."""
    return read_measurement(HERE / "measurement.json")


@pytest.fixture
def missed(measured: Measurement) -> Measurement:
    """The same, held to 250 ms as the 99th percentile and to 60 answers a second, and doubted."""
    p50, _, errors = measured.verdicts
    p99 = Verdict(requests="all", metric="p99_ms", limit=250.0, found=364.3, kept=False)
    rate = Verdict(requests="all", metric="throughput_rps", limit=60.0, found=69.7, kept=True)
    return replace(measured, verdicts=(p50, p99, errors, rate), distrust=(LATE,))
