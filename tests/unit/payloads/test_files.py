"""Requests from files, folders and globs."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tritongen.errors import SpecError
from tritongen.parts.data import parquet

Samples = Callable[..., list[dict[str, Any]]]
ONE_TEXT = "{X: BYTES[1]}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.txt", "a.txt", "deep/c.bin", ".hidden", "deep/.git/d", "__pycache__/e"):
        path = tmp_path / "samples" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "samples"


def contents(made: list[dict[str, Any]], name: str = "X") -> list[bytes]:
    return [each[name][2][4:] for each in made]


def test_a_folder_is_all_its_files_by_name_without_hidden_ones(
    samples: Samples, folder: Path
) -> None:
    assert contents(samples(ONE_TEXT, "data: samples")) == [b"a.txt", b"b.txt", b"deep/c.bin"]


def test_globs_files_and_lists_are_taken_in_the_order_said(samples: Samples, folder: Path) -> None:
    said = 'data: ["samples/**/*.bin", samples/b.txt]'
    assert contents(samples(ONE_TEXT, said)) == [b"deep/c.bin", b"b.txt"]


def test_only_so_many_samples_are_taken_as_are_asked_for(samples: Samples, folder: Path) -> None:
    assert len(samples(ONE_TEXT, "data: {files: samples, samples: 2}")) == 2


def test_several_files_are_the_rows_of_a_request(samples: Samples, folder: Path) -> None:
    (first, second) = samples(ONE_TEXT, "data: {files: samples, rows: 2}")
    assert first["X"][1] == second["X"][1] == (2, 1)
    assert contents([second]) == [b"deep/c.bin\x05\x00\x00\x00a.txt"]


def test_an_input_can_have_files_and_another_one_be_made_up(samples: Samples, folder: Path) -> None:
    said = 'data: {inputs: {X: "samples/*.txt", K: {values: ["3"]}}}'
    made = samples("{X: BYTES[1], K: INT32[1]}", said)
    assert contents(made) == [b"a.txt", b"b.txt"]
    assert all(each["K"][2] == np.int32(3).tobytes() for each in made)


def test_json_lines_give_inputs_and_what_is_expected(samples: Samples, tmp_path: Path) -> None:
    rows = [{"inputs": {"X": [1, 2]}, "outputs": {"Y": [3, 4]}}, {"X": [5, 6]}]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    first, second = samples("{X: FP32[2]}", "data: rows.jsonl\n    expect: answers")
    assert np.frombuffer(first["Y"][2], "<f4").tolist() == [3, 4]
    assert np.frombuffer(second["X"][2], "<f4").tolist() == [5, 6]
    assert "Y" not in second


def test_arrays_of_numpy_are_sent_as_the_model_types_them(samples: Samples, tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", X=np.arange(6, dtype=np.float16).reshape(3, 2),
             T=np.array(["a", "b", "c"]))  # fmt: skip
    made = samples("{X: FP32[2], T: BYTES[1]}", "data: rows.npz")
    assert [np.frombuffer(each["X"][2], "<f4").tolist() for each in made] == [
        [0, 1],
        [2, 3],
        [4, 5],
    ]
    assert contents(made, "T") == [b"a", b"b", b"c"]


def test_streams_of_perf_analyzer_are_sequences(plan: Any, tmp_path: Path) -> None:
    steps = [[{"X": [1, 2]}, {"X": [3, 4]}, {"X": [5, 6]}], [{"X": [7, 8]}]]
    (tmp_path / "input.json").write_text(json.dumps({"data": steps}))
    more = "sequence_batching: {oldest: {}}"
    done, findings = plan("{X: FP32[2]}", "data: input.json", more)
    assert findings == []
    assert done.loadtests["t"].traffic[0].samples.sequences == ((0, 3), (3, 1))


def test_a_picture_is_read_into_the_tensor_s_size_channels_and_range(
    samples: Samples, tmp_path: Path
) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow reads pictures")
    image.new("RGB", (10, 20), (255, 0, 51)).save(tmp_path / "red.png")
    (first,) = samples('{P: "FP32[3, 4, 5]"}', "data: red.png")
    pixels = np.frombuffer(first["P"][2], "<f4").reshape(3, 4, 5)
    assert pixels[:, 2, 2] == pytest.approx([1.0, 0.0, 0.2])
    (last,) = samples('{P: "UINT8[-1, -1, 3]"}', "data: red.png")
    assert last["P"][1] == (1, 20, 10, 3)
    assert last["P"][2][:3] == bytes((255, 0, 51))


def test_a_picture_for_a_tensor_of_bytes_is_sent_as_it_is(samples: Samples, tmp_path: Path) -> None:
    (tmp_path / "any.png").write_bytes(b"\x89PNG whatever")
    assert contents(samples(ONE_TEXT, "data: any.png")) == [b"\x89PNG whatever"]


def test_without_its_library_parquet_says_how_to_get_it(
    samples: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    (tmp_path / "rows.parquet").write_bytes(b"PAR1")
    with pytest.raises(SpecError) as refused:
        samples(ONE_TEXT, "data: rows.parquet")
    (finding,) = refused.value.findings
    assert "is Parquet, which pyarrow reads" in finding.message
    assert finding.fix.startswith("pip install pyarrow")
    assert parquet.__doc__


def of_numpy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, X=array)
    return file.getvalue()


@pytest.mark.parametrize(
    ("inputs", "said", "content", "expected"),
    [
        (ONE_TEXT, "data: nothing", None, "m: there is no file or folder nothing"),
        (ONE_TEXT, "data: f.bn", b"", "there is no file or folder f.bn; did you mean 'f.bin'?"),
        (ONE_TEXT, 'data: "*.png"', None, "m: nothing matches *.png"),
        (ONE_TEXT, "data: empty", None, "m: the folder empty holds no file"),
        ("{X: BYTES[1], Z: BYTES[1]}", "data: f.bin", b"a", "m has several inputs (X, Z), and a"),
        ("{X: FP32[2]}", "data: f.bin", b"abc", "f.bin has 3 bytes, no multiple of the 4 of one"),
        ("{X: FP32[2]}", "data: f.bin", b"abcd", "X: the shape [1] does not fit [1..8, 2]"),
        ("{X: FP32[2]}", "data: f.jsonl", b'{"Q": 1}', "m has no input 'Q'; it has X"),
        ("{X: FP32[2]}", "data: f.jsonl", b'{"X": "a"}', 'X: "a" is no number, as FP32 wants it'),
        ("{X: FP32[2]}", "data: f.jsonl", b'{"X": [1,2]}\n{', "f.jsonl: line 2 is no JSON"),
        ("{X: FP32[2]}", "data: f.jsonl", b"\n", "f.jsonl: no request in it"),
        ("{X: FP32[2], Z: FP32[1]}", "data: f.jsonl", b'{"X": [1, 2]}', "Z: missing, and m needs"),
        ("{X: INT32[2]}", "data: f.npz", of_numpy(np.ones((1, 2))), "the array holds float64"),
        (
            "{X: FP32[2]}",
            "data: f.jsonl\n    expect: answers",
            b'{"X": [1, 2]}',
            "`expect` wants the data's outputs, and it has none",
        ),
    ],
)
def test_files_that_give_no_request_are_findings_with_a_place(
    samples: Samples, tmp_path: Path, inputs: str, said: str, content: bytes | None, expected: str
) -> None:
    (tmp_path / "empty").mkdir()
    if content is not None:
        name = said.split()[1]
        (tmp_path / (name if "." in name and name != "f.bn" else "f.bin")).write_bytes(content)
    with pytest.raises(SpecError) as refused:
        samples(inputs, said)
    (finding,) = refused.value.findings
    assert (finding.code, finding.severity) == ("TG704", "error")
    assert finding.place is not None
    assert expected in finding.message


def test_all_load_tests_are_told_at_once(tmp_path: Path, plan: Any) -> None:
    said = "data: a\n  u: {model: m, arrivals: {trace: t.csv}, data: b}"
    _, findings = plan(ONE_TEXT, said)
    assert len(findings) == 3


def test_a_trace_is_counted_from_its_first_arrival_and_lasts_as_long(
    tmp_path: Path, plan: Any
) -> None:
    (tmp_path / "t.csv").write_text("time,who\n1700000002.5,b\n1700000001,a\n1700000005,c\n")
    said = "data: {}\n  u: {model: m, arrivals: {trace: t.csv}}"
    done, findings = plan(ONE_TEXT, said)
    assert findings == []
    assert done.loadtests["u"].trace.text == "0.000000\n1.500000\n4.000000\n"
    assert done.loadtests["u"].duration_s == 4.0
