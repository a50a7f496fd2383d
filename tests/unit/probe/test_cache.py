"""What was read once is not read again."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.probe.onnx_models import identity, weighted

from tritongen.errors import SpecError
from tritongen.parts import backends
from tritongen.parts.backends import onnxruntime
from tritongen.records.facts import Facts
from tritongen.stages.probe import cache as cache_module
from tritongen.stages.probe.cache import Cache

LONG_AGO_S = 1_000_000_000


@pytest.fixture
def model(tmp_path):
    """A model file whose last change is long ago."""
    path = tmp_path / "a.onnx"
    path.write_bytes(identity().SerializeToString())
    os.utime(path, (LONG_AGO_S, LONG_AGO_S))
    return path


@pytest.fixture
def reads(monkeypatch):
    """Names of the files that were hashed and parsed; the real functions do the work."""
    seen = []
    real_hash, real_inspect = cache_module._hash, onnxruntime.inspect

    def hashed(path):
        seen.append(f"hash {path.name}")
        return real_hash(path)

    def inspected(path, shown):
        seen.append(f"inspect {path.name}")
        return real_inspect(path, shown)

    monkeypatch.setattr(cache_module, "_hash", hashed)
    watched = replace(onnxruntime.FORMAT, inspect=inspected)
    backend = replace(onnxruntime.BACKEND, formats=(watched,))
    monkeypatch.setitem(backends.TABLE, "onnxruntime", backend)
    return seen


def test_a_second_reading_reads_nothing_and_says_the_same(read, model, reads):
    first = read(source="a.onnx")
    assert sorted(reads) == ["hash a.onnx", "inspect a.onnx"]
    reads.clear()
    assert read(source="a.onnx") == first
    assert reads == []


def test_facts_that_were_kept_equal_those_just_read(tmp_path, model):
    model.write_bytes(weighted(ir=9, opsets={"": 17, "ai.onnx.ml": 3}).SerializeToString())
    os.utime(model, (LONG_AGO_S, LONG_AGO_S))
    fresh = Cache(tmp_path / "facts.json")
    before = fresh.file(model), fresh.inspect(model, onnxruntime.FORMAT, "a.onnx")
    fresh.save()
    kept = Cache(tmp_path / "facts.json")
    assert (kept.file(model), kept.inspect(model, onnxruntime.FORMAT, "a.onnx")) == before


def replaced(model: Path) -> None:
    """The same size and time, another file."""
    new = model.with_name("new")
    new.write_bytes(model.read_bytes()[::-1])
    os.utime(new, (LONG_AGO_S, LONG_AGO_S))
    new.replace(model)


def rewritten(model: Path) -> None:
    """The same size, time and inode, other bytes: unpacked again by a tool that fixes times."""
    model.write_bytes(model.read_bytes()[::-1])
    os.utime(model, (LONG_AGO_S, LONG_AGO_S))


def touched(model: Path) -> None:
    os.utime(model, (LONG_AGO_S + 1, LONG_AGO_S + 1))


def grown(model: Path) -> None:
    with model.open("ab") as stream:
        stream.write(b"\0")
    os.utime(model, (LONG_AGO_S, LONG_AGO_S))


@pytest.mark.parametrize("change", [replaced, rewritten, touched, grown])
def test_a_changed_file_is_read_again(change, model, tmp_path, reads):
    kept = Cache(tmp_path / "facts.json")
    before = kept.file(model)
    kept.save()
    change(model)
    again = Cache(tmp_path / "facts.json").file(model)
    assert reads == ["hash a.onnx", "hash a.onnx"]
    assert (again.sha256 == before.sha256) == (change is touched)


def test_a_file_that_was_linked_since_is_not_read_again(model, tmp_path, reads):
    for name in ("one", "two"):
        kept = Cache(tmp_path / "facts.json")
        kept.file(model)
        kept.save()
        (tmp_path / name).hardlink_to(model)
    Cache(tmp_path / "facts.json").file(model)
    assert reads == ["hash a.onnx"]


def test_a_file_rewritten_after_a_link_was_noted_is_read_again(model, tmp_path, reads):
    for change in (tmp_path.joinpath("one").hardlink_to, lambda _: None, rewritten):
        kept = Cache(tmp_path / "facts.json")
        kept.file(model)
        kept.save()
        change(model)
    Cache(tmp_path / "facts.json").file(model)
    assert reads == ["hash a.onnx", "hash a.onnx"]


def test_a_file_changed_just_now_is_not_trusted_next_time(model, tmp_path, reads):
    os.utime(model)  # it could change again within the same tick of the clock
    kept = Cache(tmp_path / "facts.json")
    kept.file(model)
    kept.save()
    Cache(tmp_path / "facts.json").file(model)
    assert reads == ["hash a.onnx", "hash a.onnx"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"format": 1}', b"\xff", b'{"format": "x", "files": {}}'],
)
def test_a_damaged_cache_is_ignored_and_replaced(content, read, model, tmp_path):
    path = tmp_path / "out" / ".tritongen" / "cache" / "facts.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    facts: Facts = read(source="a.onnx")
    assert facts.models["m"][1].inputs
    assert str(model) in json.loads(path.read_bytes())["files"]


def test_files_that_are_gone_are_forgotten(read, model, tmp_path):
    read(source="a.onnx")
    other = tmp_path / "b.onnx"
    model.rename(other)
    read(source="b.onnx")
    path = tmp_path / "out" / ".tritongen" / "cache" / "facts.json"
    assert list(json.loads(path.read_bytes())["files"]) == [str(other)]


def test_a_cache_that_can_not_be_written_is_no_error(read, model, tmp_path):
    (tmp_path / "out").write_text("a file where the folder should be")
    assert read(source="a.onnx").models["m"][1].inputs


def test_a_file_that_vanished_is_a_finding(tmp_path):
    with pytest.raises(SpecError, match="No such file"):
        Cache(tmp_path / "facts.json").file(tmp_path / "gone.onnx")
