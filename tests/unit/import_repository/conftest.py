"""How these tests import: files in, spec and findings out, and the copy held against the original.

The comparison here shares nothing with the one that ``import`` does itself.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from tritongen.cli.import_ import rebuilder
from tritongen.records.spec import Spec
from tritongen.records.tree import Entry, Text, Tree
from tritongen.stages.adopt import Adopted, adopt
from tritongen.stages.check import check
from tritongen.stages.load import load
from tritongen.stages.probe import probe
from tritongen.stages.render import render
from tritongen.stages.resolve import resolve

Files = Mapping[str, str | bytes]
WRITES_PYTHON = "class TritonPythonModel:\n    def execute(self, requests):\n        return []\n"
PYTHON_CONFIG = """
backend: "python"
max_batch_size: 8
input { name: "x" data_type: TYPE_FP32 dims: 4 }
output { name: "y" data_type: TYPE_FP32 dims: 4 }
"""


@dataclass(frozen=True)
class Imported:
    """An import and the copy that its spec gives."""

    repository: Path
    adopted: Adopted
    spec: Spec
    tree: Tree

    @property
    def text(self) -> str:
        return self.adopted.text

    @property
    def told(self) -> list[str]:
        """What was said, with places inside the repository."""
        return [
            f"{Path(found.place.file).relative_to(self.repository)}:{found.place.line} "
            f"{found.code} {found.message}"
            for found in self.adopted.findings
            if found.place
        ]

    def config(self, name: str) -> ModelConfig:
        entry = self.tree.entries[f"model_repository/{name}/config.pbtxt"]
        assert isinstance(entry, Text)
        return text_format.Parse(entry.text, ModelConfig())

    def body(self, name: str) -> str:
        """Return the lines of one entry, without its name's line."""
        lines = self.text.splitlines()
        start = next(n for n, line in enumerate(lines) if line.startswith(f"  {name}:"))
        end = next(
            (n for n in range(start + 1, len(lines)) if not lines[n].startswith("    ")), len(lines)
        )
        return "\n".join(lines[start:end])


Import = Callable[..., Imported]


@pytest.fixture
def bring(tmp_path: Path) -> Import:
    """Write files into a repository, import it, build the copy and demand that both are equal."""

    def run(files: Files, but_for: tuple[str, ...] = ()) -> Imported:
        repository = write(tmp_path / "zoo" / "model_repository", files)
        spec = tmp_path / "zoo" / "spec.yaml"
        before = snapshot(repository)
        with rebuilder(spec) as rebuild:
            adopted = adopt(repository, spec.parent, rebuild)
        spec.write_text(adopted.text, "utf-8")
        assert snapshot(repository) == before, "an import changes nothing"
        loaded = load([spec], {})
        plan = resolve(loaded, probe(loaded, tmp_path / "elsewhere"))
        assert [found for found in check(plan) if found.severity != "note"] == []
        imported = Imported(repository, adopted, loaded, render(plan))
        found = differences(repository, imported.tree, set(adopted.left_out))
        assert {k: v for k, v in found.items() if not k.startswith(but_for or ("//",))} == {}
        assert adopted.different == ()
        return imported

    return run


def write(repository: Path, files: Files) -> Path:
    """Write files by path; one that ends in ``/`` is a folder."""
    for name, content in files.items():
        path = repository / name
        if name.endswith("/"):
            path.mkdir(parents=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return repository


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def differences(repository: Path, tree: Tree, left_out: set[str]) -> dict[str, object]:
    """Return what a copy has otherwise than the repository, but for names and kept folders."""
    built = {path.removeprefix("model_repository/"): entry for path, entry in tree.entries.items()}
    models = {path.split("/")[0] for path in built}
    found: dict[str, object] = {
        folder.name: "not there"
        for folder in repository.iterdir()
        if folder.is_dir() and folder.name not in models | left_out and _looks_like_model(folder)
    }
    for name in models:
        original, copy = _config(repository / name / "config.pbtxt"), ModelConfig()
        entry = built.pop(f"{name}/config.pbtxt")
        assert isinstance(entry, Text)
        text_format.Parse(entry.text, copy)
        assert copy.name == name
        original.name = name
        if original != copy:
            found[f"{name}/config.pbtxt"] = (str(original), str(copy))
    files = {
        path.relative_to(repository).as_posix(): path
        for folder, _, names in os.walk(repository, followlinks=True)
        for path in (Path(folder, name) for name in names)
        if path.is_file() and path.name != "config.pbtxt" and "__pycache__" not in path.parts
    }
    for file, placed in built.items():
        if file in files:
            if _content(placed) != files[file].read_bytes():
                found[file] = "other bytes"
        elif not file.endswith("/.gitkeep") or any((repository / file).parent.iterdir()):
            found[file] = "made up"
    for file in files.keys() - built.keys():
        if file.split("/")[0] in models and not file.endswith(".gitkeep"):
            found[file] = "missing"
    return found


def _content(entry: Entry) -> bytes:
    return entry.text.encode() if isinstance(entry, Text) else Path(entry.source).read_bytes()


def _config(file: Path) -> ModelConfig:
    return text_format.Parse(file.read_text() if file.is_file() else "", ModelConfig())


def _looks_like_model(folder: Path) -> bool:
    return (folder / "config.pbtxt").exists() or any(p.name.isdigit() for p in folder.iterdir())
