"""Settings on a server of the study's own: one that hangs, kills it, leaks, or has it restarted."""

import threading
from pathlib import Path

import pytest

from tritongen.cli.build import Request
from tritongen.cli.planning import plan_spec
from tritongen.cli.trials import Own, Trials
from tritongen.cli.tuning import for_engine
from tritongen.errors import EngineError
from tritongen.records.measurement import Measurement
from tritongen.records.plan import Plan
from tritongen.records.study import Setting

pytestmark = pytest.mark.server

STEP = """
import os
import signal
import time
from pathlib import Path

MOOD = Path({mood!r}).read_text()
if MOOD == "hang":
    time.sleep(60)
if MOOD == "crash":
    os.kill(os.getppid(), signal.SIGKILL)


KEPT = []


def one(x):
    if MOOD == "leak":
        KEPT.append(os.urandom(1 << 18))
    return {{"y": x + 1}}
"""
SPEC = """\
name: moody
models:
  one:
    python: step.py:one
    input: {x: "FP32[2]"}
    output: {y: "FP32[2]"}
    max_batch_size: 8
    dynamic_batching: {}
    instance_group: {kind: cpu, count: 1}
loadtests:
  few: {model: one, arrivals: {closed: 2}, duration: 2s, warmup: 0s, lag_limit: 100%}
server: {response_cache: {local: {size: 1MiB}}}
"""
LOAD_S = 4.0


class Study:
    """A server each of whose new instances does what ``mood`` says when it is made."""

    def __init__(self, folder: Path) -> None:
        self.mood = folder / "mood"
        self.mood.write_text("")
        (folder / "step.py").write_text(STEP.format(mood=str(self.mood)))
        (folder / "spec.yaml").write_text(SPEC)
        plan, _ = plan_spec(Request.of(folder / "spec.yaml", (), None, strict=False))
        self.plan: Plan = for_engine(plan)
        self.own = Own(folder / "server", "grpc", load_s=LOAD_S)
        self.trials = Trials(
            plan=self.plan,
            server=self.own,
            folder=folder / "load",
            processes=1,
            cores=None,
            show=lambda live: None,
            ending=threading.Event(),
        )

    def measured(self, count: int, mood: str, cache: int = 1 << 20) -> Measurement:
        """Return what is measured with so many instances and bytes of cache."""
        self.mood.write_text(mood)
        values = {("one", "instance_group.count"): count, ("", "response_cache.local.size"): cache}
        test = self.plan.loadtests["few"]
        return self.trials.evaluate(Setting.of(values), test, test.duration_s)

    def answered(self, count: int, mood: str = "", cache: int = 1 << 20) -> int:
        """Return how many requests are answered."""
        return self.measured(count, mood, cache).total.answered

    def grown(self, mood: str, cache: int = 1 << 20) -> float:
        """Return by how many bytes the server's memory grew for each request that it answered."""
        server = self.measured(1, mood, cache).server
        assert server is not None
        assert server.memory_bytes is not None
        before, after = server.memory_bytes
        (one,) = server.models
        return (after - before) / one.requests

    @property
    def pid(self) -> int:
        assert self.own.endpoint is not None
        return self.own.endpoint.pid


def test_a_server_goes_on_is_replaced_or_started_anew_as_a_setting_wants_it(tmp_path: Path) -> None:
    study = Study(tmp_path)
    try:
        assert study.answered(1)
        first = study.pid
        assert study.answered(2)
        assert study.pid == first  # loaded, not started

        with pytest.raises(EngineError, match="one did not load within 4 s"):
            study.answered(3, mood="hang")
        assert not Path(f"/proc/{first}").exists()
        assert study.answered(2)
        second = study.pid

        with pytest.raises(EngineError, match="killed by SIGKILL"):
            study.answered(3, mood="crash")
        assert study.answered(2)
        third = study.pid
        assert len({first, second, third}) == 3

        assert study.answered(2, cache=2 << 20)
        assert study.pid != third
        command = Path(f"/proc/{study.pid}/cmdline").read_text()
        assert f"--cache-config=local,size={2 << 20}" in command.replace("\0", " ")
    finally:
        study.own.close()
    assert not Path(f"/proc/{third}").exists()

    assert not (tmp_path / "model_repository").exists()


def test_a_model_that_leaks_shows_in_the_server_s_memory(tmp_path: Path) -> None:
    study = Study(tmp_path)
    try:
        assert study.grown("") < 1 << 12
        assert study.grown("leak", cache=2 << 20) == pytest.approx(1 << 18, rel=0.3)
    finally:
        study.own.close()
