"""What came back: failures by kind, and whether an answer is what was expected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from load_payloads import Sample, Tensor
from load_scenario import Expect
from tritonclient.grpc import service_pb2 as v2

NUMBERS = {
    "BOOL": "?",
    "INT8": "i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}


class Failure(Exception):  # noqa: N818 (the server's, not ours)
    """A request that failed; ``kind`` and ``code`` as ``results.json`` has them."""

    def __init__(self, kind: str, code: str, message: str) -> None:
        """Keep the first line of what was said, and not all of a long one."""
        self.kind, self.code = kind, code
        self.message = (message.strip().splitlines() or [""])[0][:300]
        super().__init__(f"{kind} {code}: {self.message}".replace(" :", ":"))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Outputs as bytes, in the protocol of the request; ``header`` is the length of HTTP's JSON."""

    body: bytes
    header: int | None = None


def outputs(answer: Answer) -> list[Tensor]:
    """Return the outputs of an answer; raise `Failure` if it can't be read."""
    try:
        return _of_grpc(answer) if answer.header is None else _of_http(answer, answer.header)
    except Exception as error:  # whatever is wrong with it, it is the server's answer
        raise Failure("shape", "", f"unreadable answer: {type(error).__name__}: {error}") from None


def _of_http(answer: Answer, header: int) -> list[Tensor]:
    found, at = [], header or len(answer.body)
    for output in json.loads(answer.body[:at])["outputs"]:
        size = output["parameters"]["binary_data_size"]
        found.append(_tensor(output, tuple(output["shape"]), answer.body[at : at + size]))
        at += size
    return found


def _of_grpc(answer: Answer) -> list[Tensor]:
    response = v2.ModelInferResponse.FromString(answer.body)
    pairs = zip(response.outputs, response.raw_output_contents, strict=True)
    return [
        Tensor(name=each.name, datatype=each.datatype, shape=tuple(each.shape), data=data)
        for each, data in pairs
    ]


def _tensor(said: Mapping[str, Any], shape: tuple[int, ...], data: bytes) -> Tensor:
    return Tensor(name=said["name"], datatype=said["datatype"], shape=shape, data=data)


def check(expect: Expect, sample: Sample, answer: Answer, *, whole: bool = True) -> None:
    """Raise `Failure` unless an answer is as expected; ``whole``: it is all that came back."""
    found = {tensor.name: tensor for tensor in outputs(answer)}
    for name, wanted in expect.outputs.items():
        if name not in found:
            raise Failure("shape", "", f"output {name!r} is missing")
        tensor = found[name]
        fits = len(wanted.shape) == len(tensor.shape) and all(
            size in (-1, there) for size, there in zip(wanted.shape, tensor.shape, strict=True)
        )
        if not fits or tensor.datatype != wanted.datatype:
            was = f"{tensor.datatype}{list(tensor.shape)}"
            text = f"output {name!r} is {was}, not {wanted.datatype}{list(wanted.shape)}"
            raise Failure("shape", "", text)
    if expect.answers and whole:
        for output in sample.outputs:
            if output.name in found and not same(expect, output, found[output.name]):
                raise Failure("answer", "", f"output {output.name!r} is not what was expected")


def same(expect: Expect, wanted: Tensor, found: Tensor) -> bool:
    """Tell whether two tensors are equal within the tolerances; text has to be the same."""
    if (wanted.shape, wanted.datatype) != (found.shape, found.datatype):
        return False
    if wanted.data == found.data:
        return True
    if wanted.datatype == "BYTES" or len(wanted.data) != len(found.data):
        return False
    was, should = (array(tensor).astype(np.float64) for tensor in (found, wanted))
    return np.allclose(was, should, rtol=expect.rtol, atol=expect.atol, equal_nan=True)


def array(tensor: Tensor) -> npt.NDArray[Any]:
    """Return the numbers of a tensor, flat."""
    if tensor.datatype == "BF16":
        return (np.frombuffer(tensor.data, "<u2").astype("<u4") << 16).view("<f4")
    return np.frombuffer(tensor.data, NUMBERS[tensor.datatype])
