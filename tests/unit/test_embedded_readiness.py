"""Which models count as failed, from the server's index and its log."""

from tritongen.parts.engines.embedded.options import read_options
from tritongen.parts.engines.embedded.states import failures
from tritongen.parts.engines.log import LoadProgress
from tritongen.triton import ModelState

NONE = read_options([])
EXPLICIT = read_options(["--model-control-mode=explicit"])


def row(name: str, state: str = "", reason: str = "", version: str = "1") -> ModelState:
    return ModelState(name=name, version=version, state=state, reason=reason)


def test_ready_models_have_not_failed() -> None:
    assert failures((row("m", "READY"),), NONE, LoadProgress()) == {}


def test_an_unavailable_model_fails_with_the_index_s_reason() -> None:
    rows = (row("m", "UNAVAILABLE", "no weights"),)
    assert failures(rows, NONE, LoadProgress()) == {"m": "no weights"}


def test_a_model_without_state_fails_with_the_log_s_reason() -> None:
    progress = LoadProgress(failed={"m": "bad config"})
    assert failures((row("m"),), NONE, progress) == {"m": "bad config"}


def test_a_model_that_triton_says_nothing_about_fails_too() -> None:
    assert list(failures((row("m"),), NONE, LoadProgress())) == ["m"]


def test_nobody_asked_for_a_model_that_is_not_loaded_in_explicit_mode() -> None:
    assert failures((row("m"),), EXPLICIT, LoadProgress()) == {}


def test_one_bad_version_makes_the_model_fail() -> None:
    rows = (row("m", "READY"), row("m", "UNAVAILABLE", "no weights", "2"))
    assert failures(rows, NONE, LoadProgress()) == {"m": "no weights"}


def test_a_model_that_failed_and_was_loaded_again_is_ready() -> None:
    progress = LoadProgress(failed={"m": "not yet"})
    assert failures((row("m", "READY"),), NONE, progress) == {}
