"""Requests made up from the tensors of a model."""

import io
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tritongen.errors import SpecError

Samples = Callable[..., list[dict[str, Any]]]


def texts(data: bytes) -> list[bytes]:
    found = []
    while data:
        length = int.from_bytes(data[:4], "little")
        found.append(data[4 : 4 + length])
        data = data[4 + length :]
    return found


def test_every_type_is_made_in_its_shape_and_size(samples: Samples) -> None:
    types = {"BOOL": 1, "UINT8": 1, "INT16": 2, "UINT32": 4, "INT64": 8, "FP16": 2, "FP64": 8}
    inputs = ", ".join(f'{name}: "{name}[3, 2]"' for name in types)
    for sample in samples(f"{{{inputs}}}"):
        for name, size in types.items():
            datatype, shape, data = sample[name]
            assert (datatype, shape, len(data)) == (name, (1, 3, 2), 6 * size)


def test_the_same_seed_makes_the_same_bytes_and_another_one_others(plan: Any) -> None:
    def digest(said: str) -> str:
        (traffic,) = plan("{X: FP32[2]}", said)[0].loadtests["t"].traffic
        return str(traffic.samples.entry.sha256)

    assert digest("seed: 1") == digest("seed: 1")
    assert digest("seed: 1") != digest("seed: 2")


def test_numbers_stay_in_their_range(samples: Samples) -> None:
    said = "data: {samples: 200, inputs: {X: {range: -1..1}, K: {range: 100..30000 log}}}"
    made = samples("{X: FP32[2], K: INT32[1]}", said)
    floats = np.frombuffer(b"".join(each["X"][2] for each in made), "<f4")
    whole = np.frombuffer(b"".join(each["K"][2] for each in made), "<i4")
    assert len(floats) == 400
    assert -1 <= floats.min() < -0.9 < 0.9 < floats.max() <= 1
    assert whole.min() >= 100
    assert whole.max() <= 30000
    assert np.median(whole) < 5000, "evenly on a logarithmic scale, half are below 1732"


def test_texts_and_bytes_have_the_lengths_asked_for(samples: Samples) -> None:
    said = "data: {inputs: {A: {text: 3..9}, B: {bytes: 1KiB}, C: {values: [red, green]}}}"
    made = samples("{A: BYTES[2], B: BYTES[1], C: BYTES[1]}", said)
    lengths = {len(text) for each in made for text in texts(each["A"][2])}
    assert lengths == set(range(3, 10))
    assert {len(text) for each in made for text in texts(each["B"][2])} == {1024}
    assert {text for each in made for text in texts(each["C"][2])} == {b"red", b"green"}


def test_dimensions_that_vary_are_drawn_and_the_same_for_inputs_that_belong_together(
    samples: Samples,
) -> None:
    made = samples("{ids: INT64[-1], mask: INT64[-1]}", "data: {inputs: {ids: {dims: [2..64]}}}")
    shapes = {(each["ids"][1], each["mask"][1]) for each in made}
    assert len(shapes) > 10
    for ids, mask in shapes:
        assert ids == mask
        assert 2 <= ids[1] <= 64


def test_every_request_of_a_ragged_input_has_a_length_of_its_own(samples: Samples) -> None:
    said = "data: {rows: 1..4, samples: 200, inputs: {X: {dims: [1..512 log]}}}"
    made = samples('{X: "FP32[-1] ragged", K: INT32[1]}', said)
    lengths = [each["X"][1][1] for each in made]
    assert min(lengths) == 1
    assert max(lengths) > 256
    assert np.median(lengths) < 64, "evenly on a logarithmic scale, half are below 23"
    for each in made:
        rows, length = each["X"][1]
        assert len(each["X"][2]) == 4 * rows * length
        assert each["K"][1] == (rows, 1)


SHAPED = "{X: FP32[-1], S: {data_type: INT32, dims: [2], is_shape_tensor: true}}"


def test_a_shape_tensor_is_one_for_all_rows_and_holds_sizes(samples: Samples) -> None:
    for each in samples(SHAPED, "data: {rows: 4}"):
        datatype, shape, data = each["S"]
        assert (datatype, shape) == ("INT32", (2,))
        assert all(size >= 1 for size in np.frombuffer(data, "<i4"))
        assert each["X"][1][0] == 4
    (each,) = samples(SHAPED, "data: {samples: 1, inputs: {S: {values: ['640,480']}}}")
    assert np.frombuffer(each["S"][2], "<i4").tolist() == [640, 480]


def test_rows_from_a_file_share_a_shape_tensor_and_are_refused_if_they_can_not(
    samples: Samples, tmp_path: Path
) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"X": [1, 2], "S": [2, 3]}\n{"X": [3, 4], "S": [2, 3]}\n')
    (both,) = samples(SHAPED, "data: {files: rows.jsonl, rows: 2}")
    assert (both["X"][1], both["S"][1]) == ((2, 2), (2,))
    file.write_text('{"X": [1, 2], "S": [2, 3]}\n{"X": [3, 4], "S": [9, 3]}\n')
    with pytest.raises(SpecError, match="same shape tensor"):
        samples(SHAPED, "data: {files: rows.jsonl, rows: 2}")


def test_requests_have_the_rows_asked_for(samples: Samples) -> None:
    made = samples("{X: FP32[2], T: BYTES[1]}", "data: {rows: 1..8}")
    rows = {each["X"][1][0] for each in made}
    assert rows == set(range(1, 9))
    assert all(len(texts(each["T"][2])) == each["X"][1][0] for each in made)


def test_optional_inputs_are_left_out_unless_they_are_named(samples: Samples) -> None:
    inputs = '{X: FP32[2], O: "FP32[1] optional"}'
    assert all("O" not in each for each in samples(inputs))
    some = ["O" in each for each in samples(inputs, "data: {inputs: {O: {present: 50%}}}")]
    assert 10 < sum(some) < 54
    assert all("O" in each for each in samples(inputs, "data: {inputs: {O: {range: 0..1}}}"))


@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_pictures_can_be_opened_and_have_the_size_asked_for(samples: Samples, kind: str) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow makes pictures")
    said = f"data: {{samples: 3, inputs: {{P: {{image: {kind}, width: 64..96, height: 48}}}}}}"
    for sample in samples("{P: BYTES[1]}", said):
        (data,) = texts(sample["P"][2])
        with image.open(io.BytesIO(data)) as picture:
            picture.load()
            assert picture.format == kind.upper()
            assert 64 <= picture.width <= 96
            assert picture.height == 48


def test_sequences_cover_the_samples_and_have_the_lengths_asked_for(plan: Any) -> None:
    more = "sequence_batching: {oldest: {}}"
    done, findings = plan("{X: FP32[2]}", "data: {samples: 40, sequence: 3..6}", more)
    assert findings == []
    sequences = done.loadtests["t"].traffic[0].samples.sequences
    assert sequences[0][0] == 0
    for (first, length), (following, _) in pairwise(sequences):
        assert following == first + length
        assert 3 <= length <= 6
    assert sum(length for _, length in sequences) == 40


@pytest.mark.parametrize(
    ("inputs", "said", "expected"),
    [
        ("{X: FP32[2]}", "data: {rows: 9}", "m: `rows` is 9..9, and m takes 1 to 8 rows at once"),
        ("{X: BF16[2]}", "", "BF16"),
        ("{X: UINT8[2]}", "data: {inputs: {X: {range: 0..256}}}", "0..256 does not fit UINT8"),
        ("{X: FP32[2]}", "data: {inputs: {X: {text: 4}}}", "`text` makes BYTES, and the input is"),
        ("{X: INT32[2]}", "data: {inputs: {X: {values: [a]}}}", '"a" is no whole number'),
        ("{X: INT32[2]}", "unique: true", "no input can be made different: X: 2 numbers"),
        (
            "{S: {data_type: INT32, dims: [4], is_shape_tensor: true}}",
            "unique: true",
            "S: a shape",
        ),
    ],
)
def test_what_does_not_fit_the_tensors_is_a_finding(
    samples: Samples, inputs: str, said: str, expected: str
) -> None:
    with pytest.raises(SpecError) as refused:
        samples(inputs, said)
    (finding,) = refused.value.findings
    assert finding.code == "TG704"
    assert finding.place is not None
    assert expected in finding.message


@pytest.mark.parametrize(
    ("inputs", "data", "place"),
    [
        (
            "{X: BYTES[1]}",
            "{inputs: {X: {bytes: 20..30}}}",
            {"input": "X", "offset": -12, "count": 12, "text": True},
        ),
        ("{X: FP32[8]}", "{}", {"input": "X", "offset": 0, "count": 4, "stride": 4}),
        ("{K: INT32[1], X: FP16[8]}", "{}", {"input": "X", "offset": 0, "count": 4, "stride": 2}),
        ("{X: UINT8[8]}", "{}", {"input": "X", "offset": 0, "count": 4, "stride": 1}),
    ],
)
def test_a_unique_request_is_changed_where_it_stays_valid(
    plan: Any, inputs: str, data: str, place: dict[str, Any]
) -> None:
    done, findings = plan(inputs, f"data: {data}\n    unique: true")
    assert findings == []
    assert done.loadtests["t"].traffic[0].samples.unique == place


def test_a_response_cache_that_would_answer_is_warned_of(plan: Any) -> None:
    more = "response_cache: {enable: true}"
    _, (warning,) = plan("{X: FP32[8]}", "", more)
    assert (warning.code, warning.severity) == ("TG705", "warning")
    assert "t has 64 different requests, and m has a response cache" in warning.message
    assert plan("{X: FP32[8]}", "unique: true", more)[1] == []


def test_a_payload_file_that_was_cut_off_is_written_again(plan: Any, tmp_path: Path) -> None:
    (traffic,) = plan("{X: FP32[2]}")[0].loadtests["t"].traffic
    path = Path(traffic.samples.entry.source)
    whole = path.read_bytes()
    path.write_bytes(whole[:10])
    plan("{X: FP32[2]}")
    assert path.read_bytes() == whole
