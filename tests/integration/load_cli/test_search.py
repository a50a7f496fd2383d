"""The search for the highest rate, on the real server, with short windows."""

from pathlib import Path

import pytest
from tests.integration.load_cli.conftest import Project

from tritongen.cli import loading, saturation
from tritongen.cli.load import Asked

pytestmark = [pytest.mark.server, pytest.mark.slow]


def test_the_highest_rate_lies_where_the_step_is_full(
    served: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(saturation, "SEARCH_S", 50.0)
    monkeypatch.setattr(saturation, "WINDOW_S", 2.0)
    monkeypatch.setattr(saturation, "WARMUP_S", 0.5)
    asked = Asked(
        name="limit",
        spec=served.folder / "spec.yaml",
        overlays=(),
        root=None,
        url=None,
        engine=None,
        processes=1,
        duration=None,
        find_max=True,
        prometheus=None,
        junit=None,
        html=None,
        ui=False,
        as_json=False,
    )
    loading.load_test(asked)
    out = capsys.readouterr().out
    assert "keep the objectives" in out
    # Eight rows take 2 ms together: it is never full below 100/s, nor empty above 4000/s.
    found = float(out.removeprefix("at least ").split("/s")[0])
    assert 50 <= found <= 4000
    assert not (Path(served.folder) / ".tritongen" / "results" / "limit-1.json").exists()
