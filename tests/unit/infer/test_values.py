"""What a user types, writes or points at becomes an array of the tensor's type, or is refused."""

import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tritongen.triton.values import (
    NUMPY,
    WrongValueError,
    array_of_file,
    array_of_json,
    array_of_text,
)

NUMBERS = sorted(set(NUMPY) - {"BYTES", "BOOL"})


@pytest.mark.parametrize(
    ("text", "datatype", "wanted"),
    [
        ("1.5", "FP32", 1.5),
        ("1,2,3", "INT64", [1, 2, 3]),
        (" 1 , -2 ", "INT8", [1, -2]),
        ("[[1,2],[3,4]]", "UINT8", [[1, 2], [3, 4]]),
        ("true", "BOOL", True),
        ("true,false", "BOOL", [True, False]),
        ("-inf,1e3,Infinity", "FP64", [float("-inf"), 1000, float("inf")]),
        ("a, b", "BYTES", b"a, b"),
        ("123", "BYTES", b"123"),
        ("[not json", "BYTES", b"[not json"),
        ("", "BYTES", b""),
        ('["a", "b,c"]', "BYTES", [b"a", b"b,c"]),
        ("grün", "BYTES", "grün".encode()),
    ],
)
def test_typed_text_is_read_by_the_tensors_type(text: str, datatype: str, wanted: object) -> None:
    array = array_of_text(text, datatype)
    assert array.dtype == NUMPY[datatype]
    assert array.tolist() == wanted


@pytest.mark.parametrize(
    ("text", "datatype", "said"),
    [
        ("a", "FP32", '"a" is no number, as FP32 wants it'),
        ("1,x", "INT32", '"x" is no whole number, as INT32 wants it'),
        ("1.0", "INT32", "1.0 is no whole number"),
        ("true", "INT32", "true is no whole number"),
        ("true", "FP32", "true is no number"),
        ("1", "BOOL", "1 is neither true nor false"),
        ("300", "UINT8", r"300 does not fit UINT8 \(0 to 255\)"),
        ("-1", "UINT64", "-1 does not fit UINT64"),
        ("70000", "FP16", r"70000 does not fit FP16 \(largest 65504\)"),
        ("1e39", "FP32", r"1e\+39 does not fit FP32"),
        ("[[1],[2,3]]", "FP32", "the rows of the list differ"),
        ("[1,[2]]", "FP32", "the rows of the list differ"),
        ("[1]", "BYTES", "1 is no text, as BYTES wants it"),
        ('[{"b64": "?"}]', "BYTES", "no base64"),
        ("", "FP32", '"" is no number'),
        ("null", "FP32", "null is no number"),
        ("1", "BF16", "numpy has no BF16"),
    ],
)
def test_what_is_none_of_the_type_is_refused(text: str, datatype: str, said: str) -> None:
    with pytest.raises(WrongValueError, match=said):
        array_of_text(text, datatype)


@pytest.mark.parametrize("datatype", NUMBERS)
def test_raw_bytes_npy_and_json_files_say_the_same(datatype: str) -> None:
    dtype = NUMPY[datatype]
    array = np.array([[0, 1], [2, 100]], dtype)
    npy = io.BytesIO()
    np.save(npy, array)
    raw = array.astype(dtype.newbyteorder("<")).tobytes()
    assert array_of_file("x.npy", npy.getvalue(), datatype).tolist() == array.tolist()
    assert array_of_file("x.json", json.dumps(array.tolist()).encode(), datatype).shape == (2, 2)
    assert array_of_file("x.bin", raw, datatype).tolist() == array.reshape(-1).tolist()
    assert array_of_file("x.bin", raw, datatype).dtype == dtype


@pytest.mark.parametrize("name", ["a.npy", "a.json", "a.txt"])
def test_a_file_for_bytes_is_its_content_whatever_it_is(name: str) -> None:
    data = b"\x93NUMPY{}\0"
    array = array_of_file(name, data, "BYTES")
    assert array.tolist() == [data]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("x.bin", b"12345", "x.bin has 5 bytes, no multiple of the 4 of one FP32"),
        ("x.npy", b"no", "x.npy is no readable .npy file"),
        ("x.json", b"{", "x.json: "),
        ("x.json", b"[" * 100_000, "x.json: "),
    ],
)
def test_a_broken_file_is_named(name: str, data: bytes, said: str) -> None:
    with pytest.raises(WrongValueError, match=said):
        array_of_file(name, data, "FP32")


def test_an_npy_that_would_lose_digits_is_refused_with_the_cast_to_write() -> None:
    npy = io.BytesIO()
    np.save(npy, np.zeros(3))
    with pytest.raises(WrongValueError, match=r'holds float64.*\.astype\("float32"\)'):
        array_of_file("x.npy", npy.getvalue(), "FP32")


def test_an_npy_is_never_unpickled() -> None:
    npy = io.BytesIO()
    np.save(npy, np.array([{}], object), allow_pickle=True)
    with pytest.raises(WrongValueError, match="no readable"):
        array_of_file("x.npy", npy.getvalue(), "FP32")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_texts_keep_every_character(texts: list[str]) -> None:
    assert array_of_json(texts, "BYTES").tolist() == [text.encode() for text in texts]


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_whole_numbers_stay_exact(numbers: list[int]) -> None:
    assert array_of_json(numbers, "INT64").tolist() == numbers
