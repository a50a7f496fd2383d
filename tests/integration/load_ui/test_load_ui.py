"""``tritongen load --ui`` as a person uses it: the URL, the tabs, Ctrl-C."""

import json
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.browser import Browser

pytestmark = pytest.mark.server

TRITONGEN = str(Path(sys.executable).with_name("tritongen"))
STEP = """
def double(x):
    return {"y": x * 2}
"""
SPEC = """
tritongen: 1
name: doubling
models:
  double:
    python: step.py:double
    input: {x: "FP32[1]"}
    output: {y: "FP32[1]"}
    max_batch_size: 4
    dynamic_batching: {}
loadtests:
  steady: {model: double, protocol: PROTOCOL, arrivals: {poisson: 30/s}, duration: 60s, warmup: 1s}
"""
ROW = """return [...document.querySelectorAll("tr")]
    .map(row => [...row.cells].map(cell => cell.innerText))
    .find(cells => cells[0] === "double" && +cells[8] > arguments[0])"""
POINTS = """return [...document.querySelectorAll("triton-charts polyline")]
    .map(line => line.getAttribute("points").split(" ").length)"""


@pytest.fixture(params=["http", "grpc", "grpc-stream"])
def load(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Start a load test of a minute, with its page."""
    (tmp_path / "step.py").write_text(STEP)
    (tmp_path / "spec.yaml").write_text(SPEC.replace("PROTOCOL", request.param))
    process = subprocess.Popen(
        [TRITONGEN, "load", "steady", "--ui"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=60)
    finally:
        process.kill()


def url(process: "subprocess.Popen[str]", seconds: float = 90) -> str:
    """Return the URL that was printed."""
    assert process.stderr
    end, said = time.monotonic() + seconds, ""
    with selectors.DefaultSelector() as ready:
        ready.register(process.stderr, selectors.EVENT_READ)
        while time.monotonic() < end and process.poll() is None:
            if ready.select(timeout=1):
                said += (line := process.stderr.readline())
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    return found.group()
    raise AssertionError(f"no URL: {said}")


def test_the_page_shows_the_server_and_ctrl_c_ends_all_and_keeps_what_was_measured(
    load: "subprocess.Popen[str]", window: Browser, tmp_path: Path
) -> None:
    window.open(url(load))
    window.click("Triton models")
    row = window.wait(ROW, 20)
    assert float(row[1]) == pytest.approx(30, rel=0.8)
    assert float(row[6]) >= 1
    assert row[9] == "0"

    window.click("Triton charts")
    window.wait(f"{POINTS}.filter(points => points > 3).length === 5")
    assert "double" in window.text()
    (share,) = re.findall(r"1 rows: [\d,]+ \(([\d.]+)%\)", _charts(window))
    assert 0 < float(share) <= 100
    assert _hosts(window) == ["127.0.0.1"]
    assert window.errors() == []

    load.send_signal(signal.SIGINT)
    _, said = load.communicate(timeout=60)
    assert load.returncode == 130, said
    (result,) = (tmp_path / ".tritongen" / "results").iterdir()
    measured = json.loads(result.read_text())
    assert measured["partial"] == "interrupted"
    assert measured["total"]["answered"] > 20
    assert not (tmp_path / ".tritongen" / "run" / "server.json").exists()


def _charts(window: Browser) -> str:
    return str(window.run("return document.querySelector('triton-charts').innerHTML"))


def _hosts(window: Browser) -> list[str]:
    """Return where the page has asked for anything."""
    names = """return [...new Set(performance.getEntriesByType("resource")
        .map(each => new URL(each.name).hostname))]"""
    return list(window.run(names))
