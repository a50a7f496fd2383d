"""Files and labels beside a model."""

import pytest
from tritonclient.grpc.model_config_pb2 import ModelConfig

NONE = {"source": "none", "config": ModelConfig(backend="mine")}


def test_a_file_and_all_of_a_folder_are_found(read, tmp_path):
    (tmp_path / "tokenizer" / "sub").mkdir(parents=True)
    (tmp_path / "tokenizer" / "b.txt").write_text("b")
    (tmp_path / "tokenizer" / "sub" / "a.txt").write_text("a")
    files = {"1/b.txt": "tokenizer/b.txt", "tok": "tokenizer"}
    assert list(read(**NONE, files=files).files["m"]) == ["1/b.txt", "tok/b.txt", "tok/sub/a.txt"]


def test_a_files_hash_is_checked(refused, tmp_path):
    (tmp_path / "a").write_text("a")
    (finding,) = refused(**NONE, files={"a": {"path": "a", "sha256": "0" * 64}})
    assert finding.code == "TG054"


@pytest.mark.parametrize("said", [{"source": "."}, {**NONE, "files": {"all": "."}}])
def test_a_folder_that_holds_the_output_is_refused(said, refused, tmp_path):
    (tmp_path / "model.py").write_text("class TritonPythonModel:\n    def execute(self, r): ...\n")
    (finding,) = refused(**{"config": ModelConfig(backend="python"), **said})
    assert finding.code == "TG060"
    assert "holds the folder that is built into" in finding.message


def test_labels_are_a_list_or_the_lines_of_a_file(read, tmp_path):
    (tmp_path / "labels.txt").write_bytes(b"\xef\xbb\xbfcat\r\n\nbig\x0cdog\n")
    labels = read(**NONE, labels={"a": ("x", "y"), "b": "labels.txt"}).labels["m"]
    assert labels == {"a": ("x", "y"), "b": ("cat", "", "big\x0cdog")}


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_labels_that_can_not_be_read_are_refused(content, refused, tmp_path):
    if content is not None:
        (tmp_path / "labels.txt").write_bytes(content)
    (finding,) = refused(**NONE, labels={"a": "labels.txt"})
    assert finding.code in {"TG050", "TG060"}


@pytest.mark.parametrize("said", ["", ".", "\0"])
def test_labels_without_a_file_are_refused(said, refused):
    (finding,) = refused(**NONE, labels={"a": said})
    assert finding.code == "TG050"
