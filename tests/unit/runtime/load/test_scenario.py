"""scenario.json: what is read, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from load_payloads import Sample, Tensor, write
from load_scenario import Scenario, ScenarioError, read

TENSOR = Tensor(name="x", datatype="FP32", shape=(1,), data=bytes(4))
CLOSED = {"law": "closed", "stages": [{"from": 2, "to": 5, "seconds": 1}]}


def said(folder: Path, **changes: Any) -> Scenario:
    write(folder / "x.npz", [Sample(inputs=(TENSOR,), outputs=())])
    scenario = {
        "scenario": 1,
        "name": "n",
        "seed": 3,
        "protocol": "http",
        "address": "h:1",
        "duration_s": 2,
        "headers": {"a": "1", "b": "2"},
        "arrivals": CLOSED,
        "requests": [{"name": "r", "model": "m", "payload": "x.npz", "headers": {"b": "3"}}],
        **changes,
    }
    (folder / "scenario.json").write_text(json.dumps(scenario))
    return read(folder / "scenario.json")


def test_what_is_not_said_has_its_default(tmp_path: Path) -> None:
    scenario = said(tmp_path)
    (request,) = scenario.requests

    assert (scenario.warmup_s, scenario.max_in_flight, scenario.users) == (0, 256, 5)
    assert (request.timeout_s, request.weight, request.version) == (10, 1, "")
    assert request.headers == {"a": "1", "b": "3"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scenario": 2}, "format 2"),
        ({"protocol": "ftp"}, "protocol must be one of http, grpc"),
        ({"duration_s": 0}, "duration_s must be above 0"),
        ({"duration_s": "long"}, "long"),
        ({"arrivals": {"law": "chaos"}}, "law must be one of"),
        ({"arrivals": {"law": "closed", "stages": []}}, "above 0"),
        ({"arrivals": {"law": "poisson", "stages": [{"from": 0, "to": 0, "seconds": 1}]}}, "above"),
        ({"arrivals": {"law": "burst", "size": 0, "every_s": 1}}, "above 0"),
        ({"arrivals": {"law": "trace", "file": "no.npy"}}, r"no\.npy"),
        ({"requests": []}, "at least one"),
        ({"requests": [{"name": "r", "model": "m", "payload": "no.npz"}]}, r"no\.npz"),
        ({"requests": [{"name": "r", "model": "m"}]}, "payload"),
    ],
)
def test_what_can_not_be_sent_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ScenarioError, match=message) as refused:
        said(tmp_path, **changes)
    assert "scenario.json" in str(refused.value) or "npz" in str(refused.value)


def test_the_digest_is_of_the_scenario_and_what_it_names(tmp_path: Path) -> None:
    first = said(tmp_path).digest
    write(tmp_path / "x.npz", 2 * [Sample(inputs=(TENSOR,), outputs=())])

    assert read(tmp_path / "scenario.json").digest != first
    assert said(tmp_path).digest == first
