"""How a run ends: by itself, early, without a worker, with nowhere to write."""

import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.integration.conftest import Serve
from tests.integration.load.conftest import Load, Write

from tritongen.stages.measure import program

pytestmark = pytest.mark.server


def open_loop(law: str, rate: float) -> dict[str, Any]:
    return {"arrivals": {"law": law, "stages": [{"from": rate, "to": rate, "seconds": 1}]}}


def wait_for_lines(path: Path, count: int, limit_s: float = 20) -> None:
    end = time.monotonic() + limit_s
    while not path.exists() or len(path.read_text().splitlines()) < count:
        assert time.monotonic() < end, f"{path} has not {count} lines"
        time.sleep(0.1)


def test_the_feed_tells_each_second_and_the_results_all(
    serve: Serve, load: Load, adding: Write
) -> None:
    said = {**open_loop("constant", 40), "duration_s": 3, "warmup_s": 1}
    ran = load.say(serve(adding()), **said).run("--processes", "2")

    assert ran.code == 0, ran.output
    assert [line["second"] for line in ran.live] == [-1, 0, 1, 2]
    assert [line["offered"] for line in ran.live] == [40] * 4
    assert ran.live[-1]["progress"] == 1
    assert ran.live[0]["workers"] == 2
    results = ran.results
    assert results["total"]["offered"] == 120
    assert [worker["state"] for worker in results["workers"]] == ["done", "done"]
    assert results["scenario"] == load.scenario
    assert results["saturated"] == 0
    assert set(results["versions"]) >= {"program", "locust", "python"}


@pytest.mark.parametrize("protocol", ["http", "grpc", "grpc-stream"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_what_was_measured_is_kept_when_the_run_is_ended(
    serve: Serve, load: Load, adding: Write, how: signal.Signals, protocol: str
) -> None:
    load.say(serve(adding()), protocol, **open_loop("poisson", 50), duration_s=60)
    process = load.start("--live", "live")
    wait_for_lines(load.folder / "live", 3)
    process.send_signal(how)
    ran = load.end(process, 15)

    assert ran.code == 130, ran.output
    results = ran.results
    assert results["partial"] == "interrupted"
    assert 1.5 < results["measured_s"] < 20
    assert results["total"]["answered"] > 40
    assert results["workers"][0]["state"] in ("done", "stopped")


def test_ctrl_c_ends_all_processes_and_keeps_what_they_measured(
    serve: Serve, load: Load, adding: Write
) -> None:
    load.say(serve(adding()), **open_loop("constant", 50), duration_s=60)
    process = load.start("--live", "live", "--processes", "2")
    children = psutil.Process(process.pid).children
    wait_for_lines(load.folder / "live", 3)
    family = [psutil.Process(process.pid), *children()]
    for member in family:
        member.send_signal(signal.SIGINT)
    ran = load.end(process, 20)
    _, alive = psutil.wait_procs(family, 15)

    assert not alive
    assert ran.code == 130, ran.output
    assert ran.results["partial"] == "interrupted"
    assert ran.results["total"]["answered"] > 60
    assert [worker["state"] for worker in ran.results["workers"]] == ["done", "done"]


HANGS = """
import gevent, locust.runners
locust.runners.Runner.quit = lambda self: gevent.sleep(1e6)
"""
NEVER_ENDS = """
import _thread, atexit, os
held = _thread.allocate_lock()
held.acquire()
atexit.register(held.acquire)  # as where a thread is waited for that does not end
os._exit = lambda code: held.acquire()
"""


def test_a_locust_that_does_not_quit_ends_with_its_results(
    serve: Serve, load: Load, adding: Write
) -> None:
    load.say(serve(adding()), "grpc")
    with (load.folder / "locustfile.py").open("a") as file:
        file.write(HANGS)
    ran = load.end(load.start(), 20)
    assert ran.code == 0, ran.output
    assert ran.results["total"]["answered"] > 10


def test_a_program_that_never_ends_is_killed_and_its_results_are_kept(
    serve: Serve, load: Load, adding: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "PATIENCE_S", 3.0)
    monkeypatch.setattr(program, "GRACE_S", 1.0)
    load.say(serve(adding()), "grpc")
    shutil.copy(load.folder / "x.npz", tmp_path / "x.npz")
    (tmp_path / "sitecustomize.py").write_text(NEVER_ENDS)
    run = program.Run(
        folder=tmp_path,
        scenario=load.scenario,
        processes=1,
        environment={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    children = psutil.Process().children
    results, interrupted = program.run(run, lambda _: True)
    assert results["total"]["answered"] > 10
    assert not interrupted
    running = [child for child in children() if child.status() != psutil.STATUS_ZOMBIE]
    assert not [child for child in running if "locust" in " ".join(child.cmdline())]


def test_a_worker_that_dies_is_reported_and_the_others_count(
    serve: Serve, load: Load, adding: Write
) -> None:
    load.say(serve(adding()), **open_loop("constant", 40), duration_s=9)
    process = load.start("--live", "live", "--processes", "2")
    wait_for_lines(load.folder / "live", 3)
    os.kill(psutil.Process(process.pid).children()[0].pid, signal.SIGKILL)
    ran = load.end(process, 40)

    assert ran.code == 0, ran.output
    results = ran.results
    assert sorted(worker["state"] for worker in results["workers"]) == ["done", "lost"]
    assert not results["trustworthy"]
    assert "worker-lost" in [each["reason"] for each in results["distrust"]]
    assert [line["offered"] for line in results["seconds"][-2:]] == [20, 20]
    total = results["total"]
    assert 180 <= total["offered"] < 360
    assert total["answered"] == total["latency_us"]["count"]
    assert total["unfinished"] <= 2


def test_a_worker_with_another_program_is_refused(serve: Serve, load: Load, adding: Write) -> None:
    load.say(serve(adding()))
    port = ["--master-port", "25557"]
    other = load.folder.parent / "other"
    other.mkdir()
    for path in load.folder.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    (other / "load_run.py").write_text((other / "load_run.py").read_text() + "\n# newer\n")
    master = load.start(
        "--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", *port[1:]
    )
    here, load.folder = load.folder, other
    worker = load.start("--worker", *port)
    load.folder = here
    ran = load.end(master, 30)
    worker.kill()
    worker.communicate(timeout=10)

    assert ran.code == 2
    assert "has another program" in ran.output
    assert not (load.folder / "results.json").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"duration_s": 0}, "duration_s must be above 0"),
        ({"requests": [{"name": "a", "model": "m", "payload": "no.npz"}]}, "no.npz"),
        ({"address": "nonsense"}, "'nonsense' is no address"),
        ({"address": "127.0.0.1:99999"}, "'127.0.0.1:99999' is no address"),
    ],
)
def test_a_scenario_that_can_not_be_sent_is_refused_at_once(
    load: Load, changes: dict[str, Any], message: str
) -> None:
    ran = load.say("127.0.0.1:9", **changes).run()

    assert ran.code == 2
    assert message in ran.output
    assert "Traceback" not in ran.output


def test_results_that_can_not_be_written_are_said(serve: Serve, load: Load, adding: Write) -> None:
    ran = load.say(serve(adding())).run("--results", "/proc/results.json")

    assert ran.code == 9
    assert "results can't be written" in ran.output


def test_more_than_the_server_can_do_is_said_not_hidden(
    serve: Serve, load: Load, adding: Write
) -> None:
    adding("adds", "time.sleep(0.1) or x")
    endpoint = serve(load.folder.parent / "models")
    said = {**open_loop("constant", 50), "max_in_flight": 4, "duration_s": 2, "warmup_s": 0}
    results = load.say(endpoint, **said).run().results

    total = results["total"]
    assert total["offered"] == 100
    assert total["unsent"] > 50
    assert results["saturated"] > 0.1
    # Due at the begin, sent when others were answered: waiting counts.
    assert total["latency_us"]["max"] > 3 * total["service_us"]["p50"]


def test_a_server_that_dies_is_seen_in_the_failures(
    serve: Serve, load: Load, adding: Write
) -> None:
    endpoint = serve(adding())
    load.say(endpoint, **open_loop("constant", 40), duration_s=4, warmup_s=0)
    process = load.start("--live", "live")
    wait_for_lines(load.folder / "live", 2)
    os.kill(endpoint.pid, signal.SIGKILL)
    ran = load.end(process)

    assert ran.code == 0, ran.output
    total = ran.results["total"]
    assert total["answered"] > 20
    assert total["failures"][0]["kind"] == "connection"
    assert total["offered"] == 160 == total["answered"] + total["failed"]
