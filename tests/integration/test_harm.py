"""What Triton accepts and then dies of, hangs on or answers wrongly is an error of ours.

Each case has a server of its own, which may end; the one without harm shows that they work.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tests.integration.conftest import Serve
from tests.integration.truth.server import HERE, Server, Writer

from tritongen.records.plan import Plan
from tritongen.triton import Request, TritonError, UnreachableError

pytestmark = pytest.mark.server

ROWS = yaml.safe_load((HERE / "harm.yaml").read_text("utf-8"))
X = np.array([[1, 2, 3, 4]], "f4")
WAIT_S = 3.0
ONE = {
    "python": "echo.py",
    "max_batch_size": 4,
    "input": {"x": "FP32[4]"},
    "output": {"y": "FP32[4]"},
    "instance_group": {"kind": "cpu", "count": 1},
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["rule"].replace(" ", "-"))
def test_what_does_harm_is_an_error(row: dict[str, Any], tmp_path: Path, serve: Serve) -> None:
    writer = Writer(tmp_path)
    said: dict[str, Any] = {"m": {}, **row.get("models", {})}
    models = {name: ONE | entry for name, entry in said.items()}
    opinion = writer.opinion(models, row.get("ensembles", {}))
    assert row["error"] in opinion.codes
    plan = opinion.plan or writer.opinion(models, {"e": {"steps": ["m"]}}).plan
    assert plan is not None
    assert harm(plan, row, tmp_path, serve) in (row["harm"], row.get("or"))


def test_without_harm_there_is_none(tmp_path: Path, serve: Serve) -> None:
    plan = Writer(tmp_path).opinion({"m": ONE}, {"e": {"steps": ["m"]}}).plan
    assert plan is not None
    row: dict[str, Any] = {"ensembles": {"e": {}}}
    assert harm(plan, row, tmp_path, serve) == "none"


def harm(plan: Plan, row: dict[str, Any], folder: Path, serve: Serve) -> str:
    """Load a plan on a server of its own and send one request; say what happened."""
    repository = folder / "repository"
    repository.mkdir()
    endpoint = serve(repository, "--model-control-mode=explicit")
    server = Server(lambda: endpoint, repository)
    entry = "e" if "ensembles" in row else "m"
    try:
        for name in plan.models:
            if name in {"m", *row.get("models", {}), *row.get("ensembles", {})}:
                server.place(plan, name, name, row.get("config", "") if name == "e" else "")
        load = _outcome(lambda: server.triton.load(entry, timeout_s=WAIT_S))
        if load != "fine":
            return {
                "ends": "the server ends at the load",
                "waits": "the load never ends",
                "fails": "the load is refused",
            }[load]
        return _ask(server, entry, sequence="sequence" in row)
    finally:
        _kill(endpoint.pid)  # a request that never ends would keep it for its whole exit timeout


def _ask(server: Server, model: str, *, sequence: bool) -> str:
    answer: dict[str, Any] = {}
    ids = {"sequence_id": 1, "sequence_start": True, "sequence_end": True}

    def ask() -> None:
        request = Request(model=model, inputs={"x": X}, parameters=ids if sequence else {})
        answer.update(server.triton.infer(request, timeout_s=WAIT_S).outputs)

    outcome = _outcome(ask)
    if outcome == "fine":
        return "none" if np.array_equal(answer["y"], X) else "the answer is wrong"
    return {
        "ends": "the server ends at the first request",
        "waits": "the first request never ends",
        "fails": "the request fails",
    }[outcome]


def _outcome(act: Callable[[], object]) -> str:
    try:
        act()
    except UnreachableError:
        return "ends"
    except TritonError as error:
        return "waits" if error.code == "DEADLINE_EXCEEDED" else "fails"
    return "fine"


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
