"""Model files with broken headers, and Python steps of any text, are read or refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.fuzz.rounds import tries
from tests.unit.probe.onnx_models import identity, weighted

from tritongen.errors import SpecError
from tritongen.stages.check import check
from tritongen.stages.load import load
from tritongen.stages.probe import probe
from tritongen.stages.resolve import resolve

ONNX = [identity().SerializeToString(), weighted().SerializeToString()]
EDIT = st.tuples(st.integers(0, 400), st.integers(0, 6), st.binary(max_size=6))
STEP = '''
"""A step."""
import numpy as np
from helper import more

async def run(x, *, context=None, **rest):
    yield {"y": np.asarray(x)}
'''
WORDS = st.sampled_from(
    ["(", ")", ":", "\n", "\t", "def run(", "import ", "from . import a", "async ", "*", "=", "\0",
     "\\", "'''", "lambda: ", "class run:", "@", "é", "\ufeff", "return", "x, x", "run = "]
)  # fmt: skip


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes, str, str], None]:
    """Return what reads a spec with one file, and takes nothing but findings for a no."""
    folder = tmp_path_factory.mktemp("files")

    def _judge(data: bytes, file: str, entry: str) -> None:
        (folder / file).write_bytes(data)
        (folder / "spec.yaml").write_text(f"models:\n  m:\n    {entry}\n", "utf-8")
        try:
            spec = load([folder / "spec.yaml"], {})
            findings = check(resolve(spec, probe(spec, Path(folder))))
        except SpecError as refused:
            findings = tuple(refused.findings)
            assert findings
        assert all(finding.message and finding.code for finding in findings)

    return _judge


@tries(200)
@given(start=st.sampled_from(ONNX), edits=st.lists(EDIT, min_size=1, max_size=3), cut=st.booleans())
def test_a_broken_onnx_file_is_read_or_refused(
    judge: Callable[[bytes, str, str], None],
    start: bytes,
    edits: list[tuple[int, int, bytes]],
    cut: bool,
) -> None:
    data = start
    for position, length, piece in edits:
        data = data[:position] + piece + data[position + length :]
    judge(data[: edits[0][0]] if cut else data, "m.onnx", "source: m.onnx")


@tries(150)
@given(edits=st.lists(st.tuples(st.integers(0, 140), st.integers(0, 9), WORDS), max_size=3))
def test_a_step_of_any_text_is_read_or_refused(
    judge: Callable[[bytes, str, str], None], edits: list[tuple[int, int, str]]
) -> None:
    text = STEP
    for position, length, piece in edits:
        text = text[:position] + piece + text[position + length :]
    entry = "{python: 's.py:run', input: {x: 'FP32[4]'}, output: {y: 'FP32[4]'}}"
    judge(
        text.encode(),
        "s.py",
        entry.strip("{}").replace(", input", "\n    input").replace(", output", "\n    output"),
    )
