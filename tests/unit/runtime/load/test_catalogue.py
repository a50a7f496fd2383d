"""Which load test runs, and where to: chosen by name from the folders beside the program."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import load_catalogue
import pytest
from load_catalogue import Catalogue, names
from load_scenario import ScenarioError

SCENARIO = {
    "scenario": 1,
    "seed": 0,
    "protocol": "grpc",
    "address": "127.0.0.1:8001",
    "duration_s": 1,
    "headers": {"tenant": "a"},
    "arrivals": {"law": "closed", "stages": [{"from": 1, "to": 1, "seconds": 1}]},
    "requests": [{"name": "m", "model": "m", "payload": "m.npz"}],
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the program with two load tests."""
    monkeypatch.setattr(load_catalogue, "HERE", tmp_path)
    for name in ("smoke", "steady"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "m.npz").touch()
        (tmp_path / name / "scenario.json").write_text(json.dumps({**SCENARIO, "name": name}))
    return tmp_path


def catalogue(offered: list[str], **said: str) -> Catalogue:
    options: dict[str, Any] = dict.fromkeys(
        ("scenario", "loadtest", "http_address", "grpc_address", "api_key", "certificate"), ""
    )
    return Catalogue(SimpleNamespace(**{**options, **said}), offered)


def test_the_folders_beside_the_program_are_offered() -> None:
    assert names(["locust", "--master"]) == ["smoke", "steady"]


@pytest.mark.parametrize("option", ["--scenario", "--scenario=x/scenario.json"])
def test_who_names_a_file_is_offered_nothing_else(option: str) -> None:
    assert names(["locust", option]) == []


def test_the_chosen_one_is_read_when_it_is_asked_for() -> None:
    chosen = catalogue(["smoke", "steady"], loadtest="smoke")
    assert chosen.chosen().name == "smoke"
    chosen.options.loadtest = "steady"
    assert chosen.chosen().name == "steady"


@pytest.mark.parametrize("name", ["", "../smoke", "none"])
def test_what_is_not_offered_is_refused(name: str) -> None:
    with pytest.raises(ScenarioError, match="is none of the load tests: smoke, steady"):
        catalogue(["smoke", "steady"], loadtest=name).chosen()


def test_an_address_is_that_of_the_scenarios_protocol(here: Path) -> None:
    said = {"loadtest": "smoke", "http_address": "gateway:8000", "grpc_address": "gateway:8001"}
    assert catalogue(["smoke"], **said).chosen().address == "gateway:8001"
    file = here / "smoke" / "scenario.json"
    file.write_text(file.read_text().replace('"grpc"', '"http"'))
    assert catalogue(["smoke"], **said).chosen().address == "gateway:8000"
    assert catalogue(["smoke"], loadtest="smoke").chosen().address == "127.0.0.1:8001"


def test_a_key_goes_with_each_request_beside_its_headers() -> None:
    (request,) = catalogue(["smoke"], loadtest="smoke", api_key="k").chosen().requests
    assert request.headers == {"tenant": "a", "authorization": "Bearer k"}


def test_a_load_test_that_can_not_be_used_hides_no_other(here: Path) -> None:
    (here / "smoke" / "scenario.json").write_text("{")
    assert catalogue(["smoke", "steady"]).requests() == {"steady": ["m"]}
