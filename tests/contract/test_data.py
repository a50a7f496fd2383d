"""Every kind of data file keeps the contract of its table."""

import inspect
import json
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import numpy as np
import pytest

from tritongen.parts import data
from tritongen.parts.data import READERS, NotReadableError

MODULES = {
    name: import_module(f"{data.__name__}.{name}")
    for _, name, _ in iter_modules(data.__path__)
    if not name.startswith("_")
}
SUFFIXES = {module.__name__.rpartition(".")[2]: suffix for suffix, module in READERS.items()}  # type: ignore[attr-defined]


def written(kind: str, path: Path) -> Path:
    """Write two requests with an input X and an expected output Y, each with its number."""
    rows = [{"X": [1.0, 2.0], "expected.Y": [0]}, {"X": [3.0, 4.0], "expected.Y": [1]}]
    if kind == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    elif kind == "npz":
        columns = {key: np.array([row[key] for row in rows]) for key in rows[0]}
        np.savez(path, **columns)
    elif kind == "parquet":
        pyarrow = pytest.importorskip("pyarrow", reason="pyarrow reads Parquet")
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    else:
        steps = [{"X": {"content": row["X"], "shape": [2]}} for row in rows]
        answers = [{"Y": row["expected.Y"]} for row in rows]
        path.write_text(json.dumps({"data": steps, "validation_data": answers}))
    return path


@pytest.mark.parametrize("name", MODULES)
def test_every_module_is_in_the_table(name: str) -> None:
    assert MODULES[name] in READERS.values(), f"{name}.py has no line in READERS"


@pytest.mark.parametrize("module", MODULES.values(), ids=list(MODULES))
def test_every_module_says_what_it_is_and_has_the_protocols_function(module: ModuleType) -> None:
    assert module.__doc__
    assert list(inspect.signature(module.read).parameters) == ["path"]


@pytest.mark.parametrize("name", MODULES)
def test_rows_come_in_order_with_their_expected_outputs(name: str, tmp_path: Path) -> None:
    path = written(name, tmp_path / f"data{SUFFIXES[name]}")
    rows = list(MODULES[name].read(path))
    assert [list(np.asarray(row.inputs["X"])) for row in rows] == [[1.0, 2.0], [3.0, 4.0]]
    assert [np.asarray(row.outputs["Y"]).tolist() for row in rows] == [[0], [1]]


@pytest.mark.parametrize("name", MODULES)
def test_a_file_of_another_kind_is_refused_in_words(name: str, tmp_path: Path) -> None:
    if name == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow reads Parquet")
    path = tmp_path / f"data{SUFFIXES[name]}"
    path.write_bytes(b"\x89PNG something else")
    with pytest.raises(NotReadableError) as refused:
        list(MODULES[name].read(path))
    assert str(refused.value)
    path.write_bytes(b'{"data": [')
    with pytest.raises(NotReadableError):
        list(MODULES[name].read(path))
