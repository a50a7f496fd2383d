"""An editor with the YAML language server completes, explains and checks a spec."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.integration.editor.language_server import LanguageServer

from tritongen.cli import cli

ROOT = Path(__file__).parents[3]
MODELINE = "# yaml-language-server: $schema=.tritongen/spec.schema.json\n"
Open = Callable[[str], LanguageServer]


@pytest.fixture
def editor(node: str, node_modules: Path, tmp_path: Path) -> Iterator[LanguageServer]:
    schema = tmp_path / ".tritongen" / "spec.schema.json"
    written = CliRunner().invoke(cli, ["schema", "-o", str(schema)])
    assert written.exit_code == 0, written.output
    with LanguageServer(node, node_modules, tmp_path) as server:
        yield server


def test_the_example_is_without_complaint(editor: LanguageServer) -> None:
    assert editor.open(MODELINE + (ROOT / "spec.yaml").read_text("utf-8")) == []


def test_a_misspelled_key_is_marked_where_it_stands(editor: LanguageServer) -> None:
    text = MODELINE + "models:\n  m:\n    source: m.onnx\n    max_batchsize: 4\n"
    ((line, message),) = editor.open(text)
    assert line == 5
    assert "max_batchsize" in message


def test_a_wrong_choice_names_the_right_ones(editor: LanguageServer) -> None:
    text = MODELINE + "models: {m: {source: m.onnx, instance_group: {kind: cpus}}}\n"
    ((line, message),) = editor.open(text)
    assert line == 2
    assert "cpu" in message
    assert "KIND_GPU" in message


def test_a_tensor_without_dims_says_how_one_is_written(editor: LanguageServer) -> None:
    text = MODELINE + "models: {m: {source: m.onnx, input: {x: FP32}}}\n"
    ((_, message),) = editor.open(text)
    assert "FP32[3, 224, 224]" in message


def test_keys_of_a_model_are_offered_with_their_meaning(editor: LanguageServer) -> None:
    editor.open(MODELINE + "models:\n  m:\n    source: m.onnx\n    \n")
    offered = editor.complete(5, 5)
    assert {"max_batch_size", "dynamic_batching", "python", "labels", "calls"} <= set(offered)
    assert "filled up to" in offered["max_batch_size"]
    assert "source" not in offered


def test_keys_inside_a_message_and_choices_are_offered(editor: LanguageServer) -> None:
    text = MODELINE + "models:\n  m:\n    source: m.onnx\n    instance_group:\n      \n"
    editor.open(text)
    assert {"kind", "count", "gpus"} <= set(editor.complete(6, 7))


def test_choices_are_offered_in_both_spellings(editor: LanguageServer) -> None:
    editor.open(MODELINE + "models:\n  m:\n    instance_group:\n      - kind: \n")
    assert {"KIND_CPU", "cpu"} <= set(editor.complete(5, 15))


def test_pointing_at_a_key_explains_it(editor: LanguageServer) -> None:
    editor.open(
        MODELINE + "models:\n  m:\n    source: m.onnx\n    dynamic_batching:\n      "
        "max_queue_delay_microseconds: 500\n"
    )
    assert "Joins waiting requests" in editor.hover(5, 8)
    assert "How long a request may wait" in editor.hover(6, 10)


def test_pointing_at_a_step_s_key_explains_it(editor: LanguageServer) -> None:
    editor.open(MODELINE + "ensembles:\n  e:\n    steps:\n      - {model: a, output: {x: y}}\n")
    assert "Renames on the way out" in editor.hover(5, 22).replace("\\", "")
