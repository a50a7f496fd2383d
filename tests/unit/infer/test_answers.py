"""What a person and what a program sees of an answer."""

import json
from typing import Any

import numpy as np
import pytest

from tritongen.cli.answers import as_json, best, element, lines
from tritongen.triton import Response


def shown(values: Any) -> list[str]:
    return lines(np.array(values), element)


def test_rows_are_lines_and_the_middle_of_many_is_left_out() -> None:
    assert shown([[1, 2], [3, 4]]) == ["1, 2", "3, 4"]
    assert shown(7) == ["7"]
    assert shown(list(range(20))) == ["0, 1, 2, 3, ..., 16, 17, 18, 19"]
    tall = shown([[row] for row in range(100)])
    assert tall == ["0", "1", "2", "3", "... 92 more rows", "96", "97", "98", "99"]
    assert lines(np.zeros((0, 3)), element) == ["(no rows)"]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (np.float32(0.1), "0.1"),
        (np.float64("nan"), "nan"),
        (np.uint64(2**64 - 1), "18446744073709551615"),
        (np.bool_(False), "false"),
        (b"", '""'),
        ("grün\n\x1b[31m".encode(), r'"grün\n\u001b[31m"'),
        ("a\x9b1m\x7f".encode(), r'"a\u009b1m\u007f"'),
        (b"\xff\0", "2 bytes ff 00"),
        (b"\xff" * 9, "9 bytes ff ff ff ff ff ff ff ff ..."),
        (b"a" * 100, f'"{"a" * 24} ... {"a" * 24}"'),
    ],
)
def test_an_element_is_short_and_harmless_on_a_terminal(value: object, wanted: str) -> None:
    assert element(value) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (b"0.250000:3:a:b", "a:b 0.25"),
        (b"1.000000:7", "class 7 1"),
        (b"1:0:a\x1b[m", r"a\u001b[m 1"),
    ],
)
def test_a_class_is_its_label_or_number_with_its_value(value: bytes, wanted: str) -> None:
    assert best(value) == wanted


def test_json_is_valid_whatever_the_model_answers() -> None:
    response = Response(
        model="m",
        version="1",
        outputs={
            "F": np.array([[np.nan, np.inf, -np.inf, 1.5]], np.float32),
            "B": np.array([b"text", b"\xff"], object),
        },
        datatypes={"F": "FP32", "B": "BYTES"},
        time_ms=1.23456,
    )
    said = json.loads(json.dumps(as_json(response), allow_nan=False))
    assert said["time_ms"] == 1.235
    assert said["outputs"] == [
        {
            "name": "F",
            "datatype": "FP32",
            "shape": [1, 4],
            "data": ["NaN", "Infinity", "-Infinity", 1.5],
        },
        {"name": "B", "datatype": "BYTES", "shape": [2], "data": ["text", {"b64": "/w=="}]},
    ]
