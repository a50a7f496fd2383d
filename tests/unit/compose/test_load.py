"""Locust's services: what they need to get through the gateway."""

from pathlib import Path

from tests.unit.compose.stacks import planned, services

LOADTESTS = {"steady": {"model": "s", "arrivals": {"constant": "1/s"}, "duration": "1s"}}


def test_locust_has_the_gateway_s_key_where_one_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "keys.txt").write_text("")
    asks = {"gateway": {"haproxy": {"api_keys": "keys.txt"}}}
    found = services(planned(tmp_path, stack=asks, loadtests=LOADTESTS))
    for name in ("locust-master", "locust-worker"):
        assert found[name]["environment"]["LOCUST_API_KEY"] == "${LOCUST_API_KEY:-}"
    found = services(planned(tmp_path, stack={}, loadtests=LOADTESTS))
    assert "LOCUST_API_KEY" not in found["locust-worker"]["environment"]
