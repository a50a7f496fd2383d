"""A load test of the example on the real server, as `tritongen load` keeps it."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from tritongen.records.measurement import Measurement

HERE = Path(__file__).parent


@pytest.fixture
def measured() -> Measurement:
    """30 s of 40 requests a second, of which the 99th percentile misses its objective."""
    text = (HERE / "measurement.json").read_text("utf-8")
    return TypeAdapter(Measurement).validate_json(text)
