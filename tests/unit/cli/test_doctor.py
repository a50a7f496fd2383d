"""``doctor`` says what is missing with its remedy, and its exit code says whether `up` can work."""

import json
import socket
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner

from tritongen.cli import cli, doctor
from tritongen.cli import rows as rows_of
from tritongen.parts.engines.embedded import installation
from tritongen.parts.targets.grafana import draw


def rows() -> dict[str, rows_of.Row]:
    return {row.what: row for row in doctor.examine()}


def test_everything_has_a_purpose_and_what_is_not_well_has_a_remedy() -> None:
    for row in rows().values():
        assert row.purpose
        assert row.found
        assert bool(row.remedy) == (row.state != "ok"), row


def test_versions_are_those_that_are_installed() -> None:
    for name in ("numpy", "nvidia-pytriton", "onnxruntime"):
        assert installation.version_of(name) == version(name)
    assert rows()["tritonserver"].found == f"nvidia-pytriton {version('nvidia-pytriton')}"


def test_json_has_the_same_rows() -> None:
    run = CliRunner().invoke(cli, ["doctor", "--json"])
    assert [row["what"] for row in json.loads(run.stdout)] == list(rows())


def test_a_wrong_numpy_is_missing_and_the_exit_code_is_5(monkeypatch: pytest.MonkeyPatch) -> None:
    real = installation.version_of
    monkeypatch.setattr(
        installation, "version_of", lambda name: "2.1.0" if name == "numpy" else real(name)
    )
    found = rows()["numpy"]
    assert (found.state, found.remedy) == ("missing", installation.INSTALL)
    assert "found 2.1.0" in found.found
    run = CliRunner().invoke(cli, ["doctor"], standalone_mode=False)
    assert run.return_value == 5


def test_a_python_without_grafanas_sdk_serves_and_is_told_what_it_cannot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(draw, "find_spec", lambda name: None)
    found = rows()["Grafana's SDK"]
    assert found.state == "absent"
    assert "3.11" in found.remedy


def test_a_taken_port_is_named_but_is_no_failure() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        row = rows_of.port(taken.getsockname()[1], "HTTP", "say another")
    assert row.state == "taken"
    assert "pid" in row.found


def test_little_space_is_told_with_how_much_is_wanted(tmp_path: Path) -> None:
    row = rows_of.space("disk", tmp_path, 2**60, "models")
    assert row.state == "low"
    assert "GiB" in row.remedy


@pytest.mark.parametrize("command", [["sh", "-c", "echo broken >&2; exit 3"], ["no-such-program"]])
def test_a_program_that_fails_or_is_absent_is_not_a_failure(command: list[str]) -> None:
    row = rows_of.program("it", command, "nothing", "install it")
    assert (row.state, row.remedy) == ("absent", "install it")
