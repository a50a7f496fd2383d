"""What a person is told about models that did not load and servers that did not start."""

import re
from pathlib import Path

import pytest

from tritongen.errors import EngineError, HostError, SpecError
from tritongen.parts.engines.embedded.reasons import failed_models, hung, server_ended
from tritongen.parts.engines.log import LoadProgress
from tritongen.parts.engines.troubles import explain, readable, troubles
from tritongen.records.endpoint import Endpoint


@pytest.fixture
def endpoint(tmp_path: Path) -> Endpoint:
    log = tmp_path / "server.log"
    log.touch()
    return Endpoint(
        engine="embedded",
        http="127.0.0.1:8000",
        grpc="127.0.0.1:8001",
        metrics="127.0.0.1:8002",
        repository=str(tmp_path),
        log=str(log),
        pid=1,
        started=1,
    )


TRACEBACK = """Internal: ModuleNotFoundError: No module named 'nosuch.thing'

At:
  <frozen importlib._bootstrap>(1176): _find_and_load
  /repo/m/1/model.py(3): <module>
  /repo/m/1/other.py(9): f
"""


def test_a_traceback_becomes_its_error_and_first_place() -> None:
    assert readable(TRACEBACK) == (
        "ModuleNotFoundError: No module named 'nosuch.thing' (/repo/m/1/model.py, line 3)"
    )


def test_what_a_model_says_itself_is_told_without_the_place_where_it_is_raised() -> None:
    said = "f: SystemExit: no licence found (exits.py:2)"
    frames = "\n\nAt:\n  /repo/m/1/model.py(347): initialize\n"
    assert readable(f"Internal: TritonModelException: {said}{frames}") == said


def test_a_meaning_names_what_the_text_names() -> None:
    meaning, remedy = explain(TRACEBACK)
    assert "imports nosuch," in meaning
    assert "install what provides nosuch" in remedy


def test_an_unknown_reason_is_not_explained() -> None:
    assert explain("the moon is full") == ("", "")


def test_those_that_wait_come_after_their_cause(endpoint: Endpoint) -> None:
    waits = "ensemble 'a' depends on 'b' which has no loaded version. Model 'b' loading failed"
    error = failed_models({"a": waits, "b": "Internal: no weights"}, endpoint)
    assert error.message == "2 models did not load: b, a"
    assert error.why == "b  no weights\na  waits for b, which did not load"
    assert "server.log" in error.fix


def test_a_single_model_has_its_remedy_as_the_fix(endpoint: Endpoint) -> None:
    error = failed_models(
        {"m": "at least one version must be available under the version policy"}, endpoint
    )
    assert error.message == "1 model did not load: m"
    assert error.fix.startswith("put the model file into a folder `1`")


@pytest.mark.parametrize("instance", ["m_0", "m_0_1"])
def test_a_model_that_crashed_has_a_meaning_and_a_remedy(endpoint: Endpoint, instance: str) -> None:
    error = failed_models({"m": f"Stub process '{instance}' is not healthy."}, endpoint)
    assert "its process ended while it was loading" in error.why
    assert "by hand" in error.fix


def test_who_hangs_is_named(endpoint: Endpoint) -> None:
    progress = LoadProgress(loading={"a": None, "b": None}, ready={"c": None})
    assert hung(progress, 5, endpoint).message == (
        "a, b did not finish loading: nothing happened for 5 s"
    )


@pytest.mark.parametrize(
    ("log", "kind", "message"),
    [
        (
            'E1122 main.cc:245] "failed to start HTTP service: Unavailable - '
            "Socket '127.0.0.1:1' already in use \"",
            HostError,
            "port 1 for http is taken",
        ),
        (
            "/x/tritonserver: unrecognized option '--foo=1'\nUsage: tritonserver\n",
            SpecError,
            "tritonserver refuses its options: unrecognized option '--foo=1'",
        ),
        (
            'Bad option: "--allow-http".\ninvalid value for bool option: no\n',
            SpecError,
            'tritonserver refuses its options: Bad option: "--allow-http". '
            "invalid value for bool option: no",
        ),
        (
            'E1122 1 main.cc:1] "error: creating server: Internal - failed to stat file /x"',
            EngineError,
            "tritonserver did not start (exit code 1)",
        ),
    ],
)
def test_a_server_that_ends_early_is_understood(
    endpoint: Endpoint, log: str, kind: type[Exception], message: str
) -> None:
    Path(endpoint.log).write_text("Error: Failed to initialize NVML\n" + log)
    error = server_ended(1, LoadProgress(), endpoint)
    assert type(error) is kind
    assert error.message == message


def test_a_service_that_does_not_start_is_explained(endpoint: Endpoint) -> None:
    Path(endpoint.log).write_text(
        'E1122 1 main.cc:282] "failed to start Vertex AI service: Invalid argument - '
        'API_PREDICT_ROUTE is not defined for Vertex AI endpoint"\n'
    )
    error = server_ended(1, LoadProgress(), endpoint)
    said, meaning = error.why.splitlines()
    assert said == "API_PREDICT_ROUTE is not defined for Vertex AI endpoint"
    assert "AIP_PREDICT_ROUTE" in meaning
    assert "allow_vertex_ai" in error.fix


def test_a_crash_names_the_models_that_were_loading(endpoint: Endpoint) -> None:
    error = server_ended(-11, LoadProgress(loading={"m": None}), endpoint)
    assert error.message == "tritonserver was killed by SIGSEGV while loading m"


def test_every_trouble_can_be_filled_in() -> None:
    for trouble in troubles():
        groups = dict.fromkeys(trouble.pattern.groupindex, "x")
        used = set(re.findall(r"{(\w+)}", trouble.meaning + trouble.remedy))
        assert used <= set(groups), trouble.pattern.pattern
        trouble.meaning.format(**groups)
        trouble.remedy.format(**groups)
