"""The server's side through a real Prometheus, if this machine has one (apt install prometheus)."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import httpx
import pytest
from tests.integration.load_cli.conftest import Project

pytestmark = pytest.mark.server

PROGRAM = shutil.which("prometheus")
NO_PROGRAM = "prometheus is not installed (apt-get install prometheus)"


@pytest.fixture
def prometheus(served: Project, tmp_path: Path) -> Iterator[str]:
    """Start a Prometheus that scrapes the server every second."""
    pytest.importorskip("prometheus_api_client", reason="pip install prometheus-api-client")
    metrics = served.endpoint()["metrics"]
    scrape = {
        "job_name": "triton",
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "static_configs": [{"targets": [metrics]}],
    }
    (tmp_path / "prometheus.yml").write_text(json.dumps({"scrape_configs": [scrape]}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with (tmp_path / "log").open("w") as log:
        process = start(address, tmp_path, log)
    try:
        wait_for_scrapes(address)
        yield f"http://{address}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait(10)


def start(address: str, folder: Path, log: IO[str]) -> "subprocess.Popen[bytes]":
    assert PROGRAM is not None
    options = (
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    )
    return subprocess.Popen([PROGRAM, *options], stdout=subprocess.DEVNULL, stderr=log)


def wait_for_scrapes(address: str) -> None:
    until = time.monotonic() + 40
    while time.monotonic() < until:
        try:
            answer = httpx.get(
                f"http://{address}/api/v1/query", params={"query": "nv_inference_count"}
            ).json()
        except httpx.HTTPError:
            answer = {}
        if answer.get("data", {}).get("result"):
            return
        time.sleep(0.3)
    raise AssertionError("Prometheus did not scrape the server")


@pytest.mark.skipif(PROGRAM is None, reason=NO_PROGRAM)
def test_prometheus_tells_the_same_of_the_server_as_the_server_itself(
    served: Project, prometheus: str
) -> None:
    arguments = ("quiet", "--duration", "6s")
    direct = served.load(*arguments)
    assert direct.code == 0, direct.err
    own = served.result("quiet")["server"]
    through = served.load(*arguments, "--prometheus", prometheus)
    assert through.code == 0, through.err
    said = served.result("quiet")["server"]
    assert said["source"] == prometheus
    ours, theirs = (
        next(each for each in server["models"] if each["name"] == "add") for server in (own, said)
    )
    for server, model in ((own, ours), (said, theirs)):
        assert model["requests"] / server["window_s"] == pytest.approx(30, rel=0.15)
    assert theirs["compute_infer_ms"] == pytest.approx(ours["compute_infer_ms"], rel=0.5)
    assert theirs["busy_s"] > 0
    assert theirs["executions"] > 0


@pytest.mark.skipif(PROGRAM is None, reason=NO_PROGRAM)
def test_what_is_no_prometheus_is_refused(served: Project) -> None:
    pytest.importorskip("prometheus_api_client", reason="pip install prometheus-api-client")
    http = served.endpoint()["http"]
    done = served.run("load", "quiet", "--prometheus", f"http://{http}")
    assert done.code == 6
    assert "no Prometheus answers at" in done.err
