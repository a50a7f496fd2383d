"""``tritongen report``, as it is typed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tritongen.cli import cli
from tritongen.errors import HostError, SpecError
from tritongen.records.measurement import Measurement
from tritongen.stages.measure import write_measurement


@pytest.fixture
def result(measured: Measurement, tmp_path: Path) -> Path:
    return write_measurement(measured, tmp_path)


def report(*words: str | Path) -> str:
    done = CliRunner().invoke(cli, ["report", *map(str, words)], standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.output


def test_the_page_is_written_beside_the_result(result: Path) -> None:
    assert "steady-1.html" in report(result)
    assert "<h1>steady</h1>" in result.with_suffix(".html").read_text("utf-8")


def test_the_page_is_written_where_it_is_asked_for(result: Path, tmp_path: Path) -> None:
    report(result, "-o", tmp_path / "new" / "page.html")
    assert (tmp_path / "new" / "page.html").is_file()
    assert not result.with_suffix(".html").exists()


def test_a_page_that_cannot_be_written_is_refused(result: Path) -> None:
    with pytest.raises(HostError, match="cannot be written"):
        report(result, "-o", "/proc/nothing/page.html")


def test_a_file_that_is_no_result_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(SpecError, match="no result of `tritongen load`"):
        report(tmp_path / "other.json")


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [("histogram", "HIST?", "no HdrHistogram"), ("ci", None, "there is no 'ci'")],
)
def test_a_result_that_is_not_whole_is_refused(
    result: Path, key: str, value: str | None, why: str
) -> None:
    said = json.loads(result.read_text("utf-8"))
    latency = said["client"]["total"]["latency_us"]
    latency.pop(key)
    if value is not None:
        latency[key] = value
    result.write_text(json.dumps(said))
    with pytest.raises(SpecError, match="not whole") as refused:
        report(result)
    assert why in refused.value.why
