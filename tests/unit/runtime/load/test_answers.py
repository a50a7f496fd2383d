"""Whether an answer is what was expected."""

import json

import numpy as np
import pytest
from load_answers import Answer, Failure, check, same
from load_payloads import Sample, Tensor
from load_scenario import Expect
from load_scenario import Tensor as Wanted
from tritonclient.grpc import service_pb2 as v2

NOTHING = Sample(inputs=(), outputs=())


def tensor(values: list[float], datatype: str = "FP32", dtype: str = "<f4") -> Tensor:
    data = np.array(values, dtype).tobytes()
    return Tensor(name="y", datatype=datatype, shape=(len(values),), data=data)


def http(*tensors: Tensor) -> Answer:
    outputs = [
        {
            "name": each.name,
            "datatype": each.datatype,
            "shape": each.shape,
            "parameters": {"binary_data_size": len(each.data)},
        }
        for each in tensors
    ]
    text = json.dumps({"outputs": outputs}).encode()
    return Answer(body=text + b"".join(each.data for each in tensors), header=len(text))


def grpc(*tensors: Tensor) -> Answer:
    response = v2.ModelInferResponse(raw_output_contents=[each.data for each in tensors])
    for each in tensors:
        response.outputs.add(name=each.name, datatype=each.datatype, shape=each.shape)
    return Answer(body=response.SerializeToString())


@pytest.mark.parametrize("answer", [http, grpc])
def test_answers_close_enough_are_right(answer) -> None:  # type: ignore[no-untyped-def]
    expect = Expect(outputs={"y": Wanted(datatype="FP32", shape=(-1,))}, answers=True)
    sample = Sample(inputs=(), outputs=(tensor([1, 2]),))

    check(expect, sample, answer(tensor([1.0005, 2])))
    with pytest.raises(Failure, match="answer: output 'y' is not what was expected"):
        check(expect, sample, answer(tensor([1.01, 2])))
    check(expect, sample, answer(tensor([1.01, 2])), whole=False)
    with pytest.raises(Failure, match=r"shape: output 'y' is FP64\[1\], not FP32\[-1\]"):
        check(expect, sample, answer(tensor([1], "FP64", "<f8")))


def test_an_answer_that_can_not_be_read_is_a_failure() -> None:
    expect = Expect(outputs={"y": Wanted(datatype="FP32", shape=(-1,))})
    for body in (b"{", b"[]", b'{"outputs": [{}]}'):
        with pytest.raises(Failure, match="unreadable answer"):
            check(expect, NOTHING, Answer(body=body, header=len(body)))


@pytest.mark.parametrize(
    ("datatype", "dtype", "near", "far"),
    [
        ("FP16", "<f2", [1.0, 2.0], [1.0, 2.1]),
        ("BF16", "<u2", [16256, 16384], [16256, 16400]),  # 1 and 2, 1 and 2.25
        ("INT64", "<i8", [1, 2], [1, 3]),
        ("BOOL", "?", [True, False], [True, True]),
        ("FP32", "<f4", [1.0, float("nan")], [1.0, 2.0]),
    ],
)
def test_types_are_compared_as_numbers(
    datatype: str, dtype: str, near: list[float], far: list[float]
) -> None:
    expect, wanted = Expect(outputs={}, answers=True), tensor(near, datatype, dtype)

    assert same(expect, wanted, tensor(near, datatype, dtype))
    assert not same(expect, wanted, tensor(far, datatype, dtype))


def test_text_has_to_be_the_same() -> None:
    one = Tensor(name="y", datatype="BYTES", shape=(1,), data=b"\1\0\0\0a")
    other = Tensor(name="y", datatype="BYTES", shape=(1,), data=b"\1\0\0\0b")

    assert same(Expect(outputs={}), one, one)
    assert not same(Expect(outputs={}), one, other)


def test_only_the_first_line_of_a_message_is_kept() -> None:
    failure = Failure("http", "500", "\n  first\nsecond")

    assert failure.message == "first"
    assert str(failure) == "http 500: first"
