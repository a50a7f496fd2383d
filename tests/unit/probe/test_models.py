"""Sources become version folders."""

import hashlib
import os
from pathlib import Path

import pytest
from onnx.external_data_helper import set_external_data
from tests.unit.probe.onnx_models import identity, weighted
from tritonclient.grpc.model_config_pb2 import ModelConfig


def put(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content or identity().SerializeToString())
    return path


def put_external(path: Path, location: str = "w.bin") -> None:
    proto = weighted()
    tensor = proto.graph.initializer[0]
    set_external_data(tensor, location, offset=0, length=80)
    tensor.ClearField("raw_data")
    put(path, proto.SerializeToString())


def test_a_file_is_placed_under_its_backends_name(read, tmp_path):
    file = put(tmp_path / "models" / "encoder.onnx")
    facts = read(source="models/encoder.onnx").models["m"][1]
    assert facts.backend == "onnxruntime"
    assert list(facts.files) == ["model.onnx"]
    placed = facts.files["model.onnx"]
    content = file.read_bytes()
    assert (placed.source, placed.size_bytes) == (str(file), len(content))
    assert placed.sha256 == hashlib.sha256(content).hexdigest()


def test_default_model_filename_is_the_name_that_counts(read, tmp_path):
    put(tmp_path / "a.onnx")
    config = ModelConfig(default_model_filename="net.onnx")
    assert list(read(source="a.onnx", config=config).models["m"][1].files) == ["net.onnx"]


@pytest.mark.parametrize("name", ["../net.onnx", "/net.onnx", "a\\b"])
def test_default_model_filename_stays_in_the_version_folder(name, refused, tmp_path):
    put(tmp_path / "a.onnx")
    (finding,) = refused(source="a.onnx", config=ModelConfig(default_model_filename=name))
    assert finding.code == "TG060"


def test_data_files_keep_the_names_that_the_model_uses(read, tmp_path):
    put_external(tmp_path / "a.onnx", "weights/w.bin")
    put(tmp_path / "weights" / "w.bin", bytes(80))
    assert list(read(source="a.onnx").models["m"][1].files) == ["model.onnx", "weights/w.bin"]


@pytest.mark.parametrize("location", ["../w.bin", "/etc/passwd", "a/../../w.bin", ""])
def test_data_files_outside_of_the_models_folder_are_refused(location, refused, tmp_path):
    put_external(tmp_path / "models" / "a.onnx", location)
    put(tmp_path / "w.bin", bytes(80))
    (finding,) = refused(source="models/a.onnx")
    assert finding.code == "TG058"


def test_missing_and_short_data_files_are_refused(refused, tmp_path):
    put_external(tmp_path / "a.onnx")
    (missing,) = refused(source="a.onnx")
    put(tmp_path / "w.bin", bytes(79))
    (short,) = refused(source="a.onnx")
    assert (missing.code, short.code) == ("TG058", "TG058")
    assert "needs 80 bytes of w.bin, which has 79" in short.message


def test_a_data_file_does_not_take_the_models_own_name(refused, tmp_path):
    put_external(tmp_path / "a.onnx", "model.onnx")
    put(tmp_path / "model.onnx", bytes(80))
    (finding,) = refused(source="a.onnx")
    assert "the name that the model itself gets" in finding.message


def test_a_folder_is_the_version_folder(read, tmp_path):
    put_external(tmp_path / "net" / "model.onnx")
    put(tmp_path / "net" / "w.bin", bytes(80))
    put(tmp_path / "net" / "vocabulary" / "words.txt", b"a")
    put(tmp_path / "net" / "__pycache__" / "x.pyc", b"a")
    facts = read(source="net").models["m"][1]
    assert list(facts.files) == ["model.onnx", "vocabulary/words.txt", "w.bin"]
    assert facts.backend == "onnxruntime"


def test_a_folder_called_like_a_model_stays_a_folder(read, tmp_path):
    put(tmp_path / "net.onnx" / "model.onnx")
    facts = read(source="net.onnx").models["m"][1]
    assert list(facts.files) == ["model.onnx/model.onnx"]
    assert facts.inputs is not None


def test_a_folder_with_a_model_of_another_name_says_what_to_write(refused, tmp_path):
    put(tmp_path / "net" / "encoder.onnx")
    (finding,) = refused(source="net", config=ModelConfig(backend="onnxruntime"))
    assert finding.fix == "say default_model_filename: encoder.onnx"


def test_a_folder_that_contains_itself_is_refused(refused, tmp_path):
    put(tmp_path / "net" / "model.onnx")
    (tmp_path / "net" / "again").symlink_to(tmp_path / "net")
    (finding,) = refused(source="net")
    assert "link to a folder above it" in finding.message


def test_versions_are_read_each(read, tmp_path):
    put(tmp_path / "a.onnx", identity(("N", 4)).SerializeToString())
    put(tmp_path / "b.onnx", identity(("N", 5), ("N", 5)).SerializeToString())
    versions = read(versions={1: {"path": "a.onnx"}, 3: {"path": "b.onnx"}}).models["m"]
    assert [versions[number].inputs[0].shape for number in (1, 3)] == [(-1, 4), (-1, 5)]


def test_no_source_is_an_empty_version_of_a_backend_that_is_said(read, refused):
    facts = read(source="none", config=ModelConfig(backend="mine")).models["m"][1]
    assert (facts.backend, dict(facts.files), facts.inputs) == ("mine", {}, None)
    (finding,) = refused(source="none")
    assert finding.code == "TG055"


def test_an_external_model_is_not_read(read):
    assert read(external=True).models == {}


def test_files_of_other_backends_are_placed_unread(read, tmp_path):
    put(tmp_path / "engine.plan", b"ptrt")
    facts = read(source="engine.plan", config=ModelConfig(platform="tensorrt_plan")).models["m"][1]
    assert (facts.backend, list(facts.files), facts.inputs) == ("tensorrt", ["model.plan"], None)
    put(tmp_path / "weights.abc", b"x")
    facts = read(source="weights.abc", config=ModelConfig(backend="mine")).models["m"][1]
    assert (facts.backend, list(facts.files)) == ("mine", ["weights.abc"])


def test_a_saved_model_folder_gets_its_name(read, tmp_path):
    put(tmp_path / "export" / "saved_model.pb", b"\x08\x01\x12\x00")  # one empty graph
    config = ModelConfig(platform="tensorflow_savedmodel")
    facts = read(source="export", config=config).models["m"][1]
    assert list(facts.files) == ["model.savedmodel/saved_model.pb"]


def test_a_file_is_not_renamed_to_what_it_is_not(refused, tmp_path):
    put(tmp_path / "net.onnx")
    (finding,) = refused(source="net.onnx", config=ModelConfig(backend="tensorrt"))
    assert finding.fix == "say default_model_filename: net.onnx"


def test_an_unknown_suffix_names_the_known_ones_and_the_likely_backend(refused, tmp_path):
    put(tmp_path / "trees.ubj", b"x")
    (finding,) = refused(source="trees.ubj")
    assert finding.code == "TG055"
    assert ".onnx (onnxruntime), .xml (openvino), .pt (pytorch)" in finding.message
    assert finding.fix == "say backend: fil"


def test_a_missing_file_is_named_with_the_nearest_one(refused, tmp_path):
    put(tmp_path / "models" / "encoder.onnx")
    (finding,) = refused(source="models/encodr.onnx")
    assert finding.code == "TG050"
    assert "did you mean 'encoder.onnx'?" in finding.message
    (finding,) = refused(source="model/encoder.onnx")
    assert "did you mean 'models'?" in finding.message


def test_what_can_not_be_read_is_said_and_does_not_hang(refused, tmp_path):
    os.mkfifo(tmp_path / "pipe.onnx")
    (tmp_path / "gone.onnx").symlink_to("nowhere.onnx")
    put(tmp_path / "file", b"x")
    found = {
        name: refused(source=f"{name}")[0].message
        for name in ("pipe.onnx", "gone.onnx", "file/a.onnx")
    }
    assert "neither a file nor a folder" in found["pipe.onnx"]
    assert "link to nowhere.onnx" in found["gone.onnx"]
    assert "is a file, not a folder" in found["file/a.onnx"]


def test_a_wrong_hash_is_refused_with_both(refused, tmp_path):
    put(tmp_path / "a.onnx")
    (finding,) = refused(source={"path": "a.onnx", "sha256": "0" * 64})
    assert finding.code == "TG054"
    assert "0" * 64 in finding.message
    put(tmp_path / "net" / "model.onnx")
    (finding,) = refused(source={"path": "net", "sha256": "0" * 64})
    assert "is a folder" in finding.message


def test_the_findings_of_all_models_come_together(refused, tmp_path):
    put(tmp_path / "c.onnx", b"<html>")
    found = refused({"a": {"source": "a.onnx"}, "b": {"source": "b.py"}, "c": {"source": "c.onnx"}})
    assert [finding.code for finding in found] == ["TG050", "TG050", "TG056"]


def test_a_python_file_as_source_needs_a_model_class(read, refused, tmp_path):
    put(tmp_path / "good.py", b"class TritonPythonModel:\n    def execute(self, requests): ...\n")
    facts = read(source="good.py").models["m"][1]
    assert (facts.backend, list(facts.files), facts.inputs) == ("python", ["model.py"], None)
    put(tmp_path / "bad.py", b"class Model: ...\n")
    assert refused(source="bad.py")[0].code == "TG065"


def test_a_path_that_the_system_refuses_is_a_finding(refused):
    (finding,) = refused(source="a" * 5000)
    assert finding.code == "TG050"
    assert "File name too long" in finding.message
