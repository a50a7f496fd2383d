"""Reading the server's log, from lines that a real 24.10 server wrote."""

from pathlib import Path

import pytest

from tritongen.parts.engines.log import LoadProgress, LogReader, last_lines, parse

STAMP = "1122 08:12:20.798199 8598 "


def read(*lines: str) -> LoadProgress:
    progress = LoadProgress()
    for line in lines:
        progress.take(parse(line))
    return progress


def test_a_quoted_message_loses_its_quotes_and_escapes() -> None:
    line = parse(rf'E{STAMP}model_lifecycle.cc:642] "says \"no\"\n\tand \\ goes"')
    assert (line.level, line.text) == ("E", 'says "no"\n\tand \\ goes')


def test_an_unquoted_message_of_an_older_server_is_read_too() -> None:
    line = parse(f"W{STAMP}metrics.cc:798] DCGM unable to start")
    assert (line.level, line.text) == ("W", "DCGM unable to start")


def test_what_a_model_prints_is_no_error() -> None:
    assert parse("E is the letter").level == "I"


def test_models_go_from_loading_to_ready() -> None:
    loading = f'I{STAMP}model_lifecycle.cc:472] "loading: a:b:1"'
    assert list(read(loading).loading) == ["a:b"]
    progress = read(loading, f"I{STAMP}model_lifecycle.cc:839] \"successfully loaded 'a:b'\"")
    assert (list(progress.loading), list(progress.ready)) == ([], ["a:b"])


@pytest.mark.parametrize(
    ("message", "failed"),
    [
        (
            "failed to load 'm' version 1: Internal: no weights",
            {"m": "Internal: no weights"},
        ),
        (
            "failed to load model 'm': at least one version must be available",
            {"m": "at least one version must be available"},
        ),
        (
            "Poll failed for model directory 'e': ensemble input 'X' for ensemble e' is not used",
            {"e": "ensemble input 'X' for ensemble e' is not used"},
        ),
        (
            "failed to poll model 'A': not unique across all model repositories",
            {"A": "not unique across all model repositories"},
        ),
        (
            "Invalid argument: ensemble 'e' depends on 'm' whose required version 7 is not loaded.",
            {"e": "ensemble 'e' depends on 'm' whose required version 7 is not loaded."},
        ),
        (
            "Invalid argument: in ensemble e, ensemble tensor X: inconsistent data type",
            {"e": "in ensemble e, ensemble tensor X: inconsistent data type"},
        ),
        (
            "Invalid argument: ensemble e contains models that are not available: ghost",
            {"e": "ensemble e contains models that are not available: ghost"},
        ),
        (
            "Invalid argument: circular dependency between ensembles: c1 -> ... -> c2 -> c1",
            {"c1": "circular dependency between ensembles: c1 -> ... -> c2 -> c1"},
        ),
        ("Internal: failed to load all models", {}),
        ("CudaDriverHelper has not been initialized.", {}),
    ],
)
def test_every_way_to_fail_names_its_model(message: str, failed: dict[str, str]) -> None:
    assert read(f'E{STAMP}model_repository_manager.cc:703] "{message}"').failed == failed


def test_a_config_that_does_not_parse_is_told_by_its_parser() -> None:
    progress = read(
        "[libprotobuf ERROR /tmp/text_format.cc:337] Error parsing text-format "
        'inference.ModelConfig: 1:42: Message type "inference.ModelConfig" has no field named "x".',
        f"E{STAMP}model_repository_manager.cc:1460] \"Poll failed for model directory 'm': "
        'failed to read text proto from /r/m/config.pbtxt"',
    )
    assert progress.failed == {
        "m": 'config.pbtxt:1:42: Message type "inference.ModelConfig" has no field named "x".'
    }


def test_a_missing_model_file_is_known_before_triton_gives_up() -> None:
    progress = read(
        f"I{STAMP}pb_stub.cc:2105]  Failed to preinitialize Python stub: "
        "Python model file not found in '/r/m/1/model.py'"
    )
    assert progress.hopeless == {"m": "Python model file not found in '/r/m/1/model.py'"}


def test_a_half_written_line_waits_for_its_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    reader = LogReader(log)
    assert reader.new_lines() == []
    log.write_text("one\ntw")
    assert [line.text for line in reader.new_lines()] == ["one"]
    with log.open("a") as file:
        file.write("o\n")
    assert [line.text for line in reader.new_lines()] == ["two"]


def test_the_last_lines_leave_out_tables_and_the_missing_gpu(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        f'E{STAMP}server.cc:241] "CudaDriverHelper has not been initialized."\n'
        "+--+\n| a |\n\nError: Failed to initialize NVML\nreal trouble\n"
    )
    assert last_lines(log) == ("real trouble",)
