"""``init`` writes a first spec that passes the check, whatever model files it is given."""

from pathlib import Path

import onnx
import pytest
import yaml
from click.testing import CliRunner, Result

from tritongen.cli import cli
from tritongen.errors import SpecError

STEP = "def clean(text):\n    return {'x': text}\n"


def model(path: Path, given: str, wanted: str, shape: tuple[int | str, ...] = ("n", 4)) -> Path:
    """Write an ONNX model that copies one FP32 tensor."""
    value = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name in (given, wanted)
    ]
    node = onnx.helper.make_node("Identity", [given], [wanted])
    graph = onnx.helper.make_graph([node], "g", value[:1], value[1:])
    path.parent.mkdir(parents=True, exist_ok=True)
    opset = onnx.helper.make_opsetid("", 17)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


def init(folder: Path, *arguments: object) -> Result:
    return CliRunner().invoke(
        cli, ["init", *map(str, arguments), "-o", str(folder / "spec.yaml")], standalone_mode=False
    )


def written(folder: Path) -> dict[str, object]:
    """Return the spec, after checking it."""
    check = CliRunner().invoke(cli, ["check", str(folder / "spec.yaml"), "--strict"])
    assert check.exit_code == 0, check.output
    text = (folder / "spec.yaml").read_text("utf-8")
    data: dict[str, object] = yaml.safe_load(text)
    return data


def test_a_name_of_a_tensor_with_line_breaks_stays_a_comment(tmp_path: Path) -> None:
    path = model(tmp_path / "m.onnx", "x\nmodels: {}\n", "y")
    assert init(tmp_path, path).exception is None
    assert written(tmp_path)["models"] == {"m": "m.onnx"}


def test_a_file_that_cannot_be_read_is_told_without_a_place_in_the_draft(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"<html>")
    refusal = init(tmp_path, tmp_path / "m.onnx").exception
    assert isinstance(refusal, SpecError)
    assert [finding.place for finding in refusal.findings] == [None]
    assert "m.onnx" in refusal.findings[0].message
    assert not list(tmp_path.glob(".init-*"))


def test_one_model_is_its_source_with_its_tensors_told(tmp_path: Path) -> None:
    path = model(tmp_path / "my model!.onnx", "x", "y")
    assert init(tmp_path, path).exception is None
    assert written(tmp_path)["models"] == {"my-model": "my model!.onnx"}
    assert "x FP32[4] -> y FP32[4]" in (tmp_path / "spec.yaml").read_text("utf-8")
    assert (tmp_path / ".tritongen" / "spec.schema.json").is_file()


def test_models_whose_tensors_fit_are_chained_in_their_order(tmp_path: Path) -> None:
    model(tmp_path / "b.onnx", "in", "out")
    model(tmp_path / "a.onnx", "x", "y")
    assert init(tmp_path, tmp_path / "a.onnx", tmp_path / "b.onnx").exception is None
    steps = ["a", {"model": "b", "input": {"in": "y"}}]
    assert written(tmp_path)["ensembles"] == {"pipeline": {"steps": steps}}


def test_a_chain_is_found_whatever_the_order_given(tmp_path: Path) -> None:
    model(tmp_path / "last.onnx", "y", "z")
    model(tmp_path / "first.onnx", "x", "y")
    assert init(tmp_path, tmp_path / "last.onnx", tmp_path / "first.onnx").exception is None
    assert written(tmp_path)["ensembles"] == {"pipeline": {"steps": ["first", "last"]}}


def test_equal_names_of_other_things_are_told_apart(tmp_path: Path) -> None:
    model(tmp_path / "a.onnx", "x", "y")
    model(tmp_path / "b.onnx", "y", "y")
    assert init(tmp_path, tmp_path / "a.onnx", tmp_path / "b.onnx").exception is None
    steps = ["a", {"model": "b", "output": {"y": "b_y"}}]
    assert written(tmp_path)["ensembles"] == {"pipeline": {"steps": steps}}


def test_models_that_do_not_fit_stay_apart(tmp_path: Path) -> None:
    model(tmp_path / "a.onnx", "x", "y")
    model(tmp_path / "b.onnx", "p", "q", ("n", 5))
    assert init(tmp_path, tmp_path / "a.onnx", tmp_path / "b.onnx").exception is None
    assert "ensembles" not in written(tmp_path)


def test_models_of_which_only_one_batches_stay_apart(tmp_path: Path) -> None:
    model(tmp_path / "a.onnx", "x", "y", (1, 4))
    model(tmp_path / "b.onnx", "y", "z", ("n", 4))
    assert init(tmp_path, tmp_path / "a.onnx", tmp_path / "b.onnx").exception is None
    written(tmp_path)


def test_a_function_becomes_a_step_that_takes_the_types_of_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "clean.py").write_text(STEP)
    model(tmp_path / "a.onnx", "x", "y")
    assert init(tmp_path, tmp_path / "clean.py", tmp_path / "a.onnx").exception is None
    spec = written(tmp_path)
    step = {"python": "clean.py:clean", "input": {"text": "FP32[-1]"}, "output": {"x": "FP32[4]"}}
    assert spec["models"] == {"clean": step, "a": "a.onnx"}
    assert spec["ensembles"] == {"pipeline": {"steps": ["clean", "a"]}}
    assert "a guess" in (tmp_path / "spec.yaml").read_text("utf-8")


def test_a_folder_gives_what_is_in_it_and_equal_names_are_numbered(tmp_path: Path) -> None:
    model(tmp_path / "one" / "m.onnx", "x", "y")
    model(tmp_path / "two" / "m.onnx", "p", "q", ("n", 9))
    (tmp_path / "one" / "README.md").write_text("no model")
    assert init(tmp_path, tmp_path / "one", tmp_path / "two").exception is None
    assert written(tmp_path)["models"] == {"m": "one/m.onnx", "m-2": "two/m.onnx"}


def test_a_file_called_model_is_named_after_its_folder(tmp_path: Path) -> None:
    path = model(tmp_path / "resnet" / "1" / "model.onnx", "x", "y")
    assert init(tmp_path, path).exception is None
    assert written(tmp_path)["models"] == {"resnet": "resnet/1/model.onnx"}


def test_a_spec_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    path = model(tmp_path / "a.onnx", "x", "y")
    (tmp_path / "spec.yaml").write_text("mine\n")
    refused = init(tmp_path, path).exception
    assert "is there already" in str(refused)
    assert (tmp_path / "spec.yaml").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.onnx", "not onnx", "a.onnx"),
        ("a.txt", "x", "is no model file known here"),
        ("a.py", "def f(:", "is not Python"),
        ("a.py", "X = 1\n", "has no function"),
    ],
)
def test_what_is_no_model_is_refused_and_nothing_is_left(
    tmp_path: Path, name: str, text: str, says: str
) -> None:
    (tmp_path / name).write_text(text)
    assert says in str(init(tmp_path, tmp_path / name).exception)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [name]


def test_without_files_those_of_the_folder_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no model in" in str(init(tmp_path).exception)
    model(tmp_path / "a.onnx", "x", "y")
    assert init(tmp_path).exception is None
    assert written(tmp_path)["models"] == {"a": "a.onnx"}
