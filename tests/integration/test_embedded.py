"""The embedded engine on the real server: what serves, what fails, what is left behind."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tritongen.errors import EngineError, HostError, SpecError
from tritongen.parts.engines import embedded
from tritongen.parts.engines.runfolder import run_folder
from tritongen.records.endpoint import Endpoint
from tritongen.triton import Triton

pytestmark = pytest.mark.server

Serve = Callable[..., Endpoint]
Model = Callable[..., Path]


def shared_memory(endpoint: Endpoint) -> list[Path]:
    prefix = run_folder(root_of(endpoint)).shm_prefix
    return list(Path("/dev/shm").glob(f"{prefix}*"))


def root_of(endpoint: Endpoint) -> Path:
    return Path(endpoint.log).parent.parent.parent


def session(pid: int) -> list[int]:
    """Return the processes of the session that ``pid`` leads."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == pid and fields[0] not in "ZX":
            found.append(int(stat.parent.name))
    return found


def states(endpoint: Endpoint) -> dict[str, str]:
    with Triton(http=endpoint.http, grpc=endpoint.grpc) as triton:
        return {row.name: row.state for row in triton.index()}


def test_models_are_ready_when_start_returns(serve: Serve, model: Model) -> None:
    model("first")
    endpoint = serve(model("second"))
    assert states(endpoint) == {"first": "READY", "second": "READY"}


def test_nothing_is_left_after_a_stop(serve: Serve, model: Model) -> None:
    endpoint = serve(model("double"))
    assert shared_memory(endpoint)
    assert len(session(endpoint.pid)) > 1
    assert embedded.stop(endpoint)
    assert not session(endpoint.pid)
    assert not shared_memory(endpoint)
    assert embedded.find(root_of(endpoint)) is None
    assert Path(endpoint.log).exists()


def test_stopping_twice_is_the_same_as_once(serve: Serve, model: Model) -> None:
    endpoint = serve(model("double"))
    embedded.stop(endpoint)
    assert embedded.stop(endpoint)


def test_two_servers_run_beside_each_other(serve: Serve, model: Model) -> None:
    first = serve(model("double"))
    second = serve(Path(first.repository))
    assert states(first) == states(second) == {"double": "READY"}


def test_the_repository_stays_as_it_was(serve: Serve, model: Model) -> None:
    repository = model("imports", "import helper\n")
    (repository / "imports" / "1" / "helper.py").write_text("")
    (repository / "imports" / "1" / "model.py").write_text(
        "import helper\nclass TritonPythonModel:\n    def execute(self, requests): return []\n"
    )
    before = sorted(repository.rglob("*"))
    serve(repository)
    assert sorted(repository.rglob("*")) == before


def test_models_see_the_packages_that_we_see(serve: Serve, model: Model) -> None:
    code = """
import sys, numpy, tritongen
class TritonPythonModel:
    def initialize(self, args): print("numpy is", numpy.__file__)
    def execute(self, requests): return []
"""
    import numpy as np

    endpoint = serve(model("imports", code))
    assert f"numpy is {np.__file__}" in Path(endpoint.log).read_text()


def test_every_model_that_fails_is_named_with_its_reason(serve: Serve, model: Model) -> None:
    model("good")
    model("imports", "import no_such_module\n")
    repository = model("misspelt", config="max_batchsize: 3\n")
    with pytest.raises(EngineError) as caught:
        serve(repository)
    error = caught.value
    assert error.message == "2 models did not load: imports, misspelt"
    assert "ModuleNotFoundError: No module named 'no_such_module'" in error.why
    assert "model.py, line 1)" in error.why
    assert 'has no field named "max_batchsize"' in error.why
    assert "imports   install what provides no_such_module" in error.fix


def test_an_ensemble_waits_for_the_model_that_failed(serve: Serve, model: Model) -> None:
    repository = model("broken", "raise ValueError('no weights')\n")
    (repository / "all" / "1").mkdir(parents=True)
    (repository / "all" / "config.pbtxt").write_text("""
platform: "ensemble" max_batch_size: 4
input { name: "X" data_type: TYPE_FP32 dims: 1 }
output { name: "Y" data_type: TYPE_FP32 dims: 1 }
ensemble_scheduling { step { model_name: "broken" model_version: -1
  input_map { key: "X" value: "X" } output_map { key: "Y" value: "Y" } } }
""")
    with pytest.raises(EngineError) as caught:
        serve(repository)
    first, second = caught.value.why.splitlines()
    assert first.startswith("broken  ValueError: no weights")
    assert second == "all     waits for broken, which did not load"


def test_a_model_that_hangs_is_named_and_everything_stopped(
    serve: Serve, model: Model, tmp_path: Path
) -> None:
    code = "import time\ntime.sleep(3600)\n"
    with pytest.raises(EngineError, match="sleeper did not finish loading: nothing happened for 2"):
        serve(model("sleeper", code), timeout_s=2)
    assert not [p for p in Path("/proc").glob("[0-9]*") if str(tmp_path) in command_line(p)]


def command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_text("utf-8", "replace")
    except OSError:
        return ""


def test_a_version_without_model_file_does_not_wait_for_ever(serve: Serve, model: Model) -> None:
    repository = model("empty")
    (repository / "empty" / "1" / "model.py").unlink()
    with pytest.raises(EngineError, match="1 model did not load: empty") as caught:
        serve(repository)
    assert "Python model file not found" in caught.value.why


@pytest.mark.parametrize(
    "crash", ["import os; os._exit(3)", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"]
)
def test_a_model_whose_process_crashes_is_named(serve: Serve, model: Model, crash: str) -> None:
    with pytest.raises(EngineError, match="1 model did not load: crasher") as caught:
        serve(model("crasher", crash))
    assert "its process ended while it was loading" in caught.value.why


def test_a_model_that_takes_the_server_down_is_named(serve: Serve, model: Model) -> None:
    code = "import os, signal\nos.kill(os.getppid(), signal.SIGSEGV)\nimport time; time.sleep(60)\n"
    with pytest.raises(EngineError, match="killed by SIGSEGV while loading killer"):
        serve(model("killer", code))


def test_a_port_that_is_taken_is_refused_with_its_owner(serve: Serve, model: Model) -> None:
    repository = model("double")
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(
            HostError, match=rf"port {port} for http is taken by .* \(pid {os.getpid()}\)"
        ):
            serve(repository, f"--http-port={port}")


def test_the_users_options_win(serve: Serve, model: Model) -> None:
    model("asked_for")
    repository = model("not_asked_for", "import no_such_module\n")
    endpoint = serve(repository, "--model-control-mode=explicit", "--load-model", "asked_for")
    assert states(endpoint) == {"asked_for": "READY", "not_asked_for": ""}


def test_a_model_may_fail_if_the_user_says_so(serve: Serve, model: Model) -> None:
    model("good")
    endpoint = serve(model("bad", "import no_such_module\n"), "--exit-on-error=false")
    assert states(endpoint) == {"good": "READY", "bad": "UNAVAILABLE"}


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--no-such-option=1", "unrecognized option '--no-such-option=1'"),
        ("--allow-http=perhaps", "invalid value for bool option: perhaps"),
        ("--load-model=x", "requires setting '--model-control-mode=explicit'"),
    ],
)
def test_options_that_the_server_refuses_are_shown(
    serve: Serve, model: Model, option: str, text: str
) -> None:
    with pytest.raises(SpecError, match=text):
        serve(model("double"), option)


def test_a_service_that_is_off_has_no_address(serve: Serve, model: Model) -> None:
    endpoint = serve(model("double"), "--allow-http=false", "--allow-metrics=false")
    assert (endpoint.http, endpoint.metrics) == ("", "")
    assert states(endpoint) == {"double": "READY"}


def test_what_a_killed_server_leaves_is_gone_after_a_stop(serve: Serve, model: Model) -> None:
    endpoint = serve(model("double"))
    os.kill(endpoint.pid, 9)
    assert embedded.process(endpoint).wait(10)
    assert embedded.find(root_of(endpoint)) is None
    embedded.stop(endpoint)
    assert not session(endpoint.pid)
    assert not shared_memory(endpoint)


def test_responses_are_cached_where_a_model_asks_for_it(serve: Serve, model: Model) -> None:
    import json
    from urllib.request import Request, urlopen

    repository = model("double", config="response_cache { enable: true }\n")
    endpoint = serve(repository, "--cache-config=local,size=1048576")
    row = {"name": "X", "shape": [1, 1], "datatype": "FP32", "data": [2]}
    for _ in range(2):
        request = Request(
            f"http://{endpoint.http}/v2/models/double/infer",
            json.dumps({"inputs": [row]}).encode(),
            {"Content-Type": "application/json", "Connection": "close"},
        )
        with urlopen(request) as answer:
            assert json.load(answer)["outputs"][0]["data"] == [3.0]
    with Triton(http=endpoint.http, grpc=endpoint.grpc) as triton:
        (statistics,) = triton.statistics("double")
    assert statistics.cache_hit_count == 1
