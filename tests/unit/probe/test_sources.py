"""Addresses become files that can be read."""

import sys

import pytest

from tritongen.errors import SpecError
from tritongen.parts import sources
from tritongen.parts.sources import Search
from tritongen.records.spec import Source


@pytest.fixture
def locate(tmp_path):
    search = Search(base=tmp_path, downloads=tmp_path, fetch=False, progress=lambda *_: None)
    return lambda address: sources.locate(Source(path=address), search)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package that can't be run."""
    folder = tmp_path / "site" / "weights_of_ours"
    (folder / "sub").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('this must not run')")
    (folder / "sub" / "model.onnx").write_text("x")
    (tmp_path / "site" / "lonely.py").write_text("raise SystemExit('this must not run')")
    monkeypatch.syspath_prepend(tmp_path / "site")
    return folder


def test_a_package_is_found_and_not_run(locate, package):
    assert locate("pkg://weights_of_ours/sub/model.onnx") == package / "sub" / "model.onnx"
    assert locate("pkg://weights_of_ours/sub") == package / "sub"
    assert "weights_of_ours" not in sys.modules


@pytest.mark.parametrize(
    ("address", "code", "said"),
    [
        ("pkg://not_installed_at_all/m.onnx", "TG052", "not installed"),
        ("pkg://weights_of_ours/sub/modl.onnx", "TG050", "did you mean 'model.onnx'?"),
        ("pkg://weights_of_ours/../lonely.py", "TG052", "is not pkg://package/"),
        ("pkg://weights_of_ours.sub/model.onnx", "TG052", "is not pkg://package/"),
        ("pkg://weights_of_ours//etc/passwd", "TG050", "does not exist"),
        ("pkg://", "TG052", "is not pkg://package/"),
        ("pkg://lonely/x", "TG052", "without a folder"),
        ("pkg://__main__/x", "TG052", "__main__"),
        ("http://example.com/m.onnx", "TG051", "not encrypted"),
        ("s3://bucket/m.onnx", "TG051", "not built yet"),
        ("models:/net/3", "TG051", "not built yet"),
        ("ftp://example.com/m.onnx", "TG051", "no place that models come from"),
        ("https://example.com/m.onnx", "TG053", "not been downloaded yet"),
        ("https://[::1/m.onnx", "TG051", "is not an address"),
    ],
)
def test_what_can_not_be_located_is_said(address, code, said, locate, package):
    with pytest.raises(SpecError) as error:
        locate(address)
    (finding,) = error.value.findings
    assert finding.code == code
    assert said in finding.message


def test_messages_keep_secrets_of_addresses_to_themselves(locate):
    with pytest.raises(SpecError) as error:
        locate("https://user:secret@example.com/m.onnx?token=secret")
    assert "secret" not in error.value.message


def test_names_with_colons_and_spaces_are_paths(locate, tmp_path):
    for name in ("a:b.onnx", "a b.onnx", "~x.onnx"):
        (tmp_path / name).write_text("x")
        assert locate(name) == tmp_path / name
