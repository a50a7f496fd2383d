"""Requests of a batch share a call of the function, and each gets its own rows or its own error."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tests.integration.step.conftest import Load, tensor

from tritongen.records.endpoint import Endpoint
from tritongen.triton import Request, Response, Triton, TritonError
from tritongen.triton.records import Array

pytestmark = pytest.mark.server

GATHER = "dynamic_batching { max_queue_delay_microseconds: 300000 }\n"
ONE_IN_TWO_OUT = tensor("input", "x", "FP32", "2") + (
    tensor("output", "y", "FP32", "2") + tensor("output", "rows", "INT32")
)
ONE_IN_ONE_OUT = tensor("input", "x", "FP32", "2") + tensor("output", "y", "FP32", "2")
DOUBLE = """
    import numpy as np

    def step(x):
        return {"y": x * 2, "rows": np.full((len(x), 1), len(x), np.int32)}
"""


def infer_all(triton: Triton, requests: Sequence[Request]) -> list[Response | TritonError]:
    """Send requests at the same time; an error is returned in its request's place."""

    def infer(request: Request) -> Response | TritonError:
        try:
            with Triton(http=triton.http, grpc=triton.grpc) as client:
                return client.infer(request)
        except TritonError as error:
            return error

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(infer, requests))


def outputs(answer: Response | TritonError) -> dict[str, Array]:
    assert isinstance(answer, Response), answer
    return dict(answer.outputs)


def test_concurrent_requests_share_calls_and_get_their_own_rows(load: Load, triton: Triton) -> None:
    model = load(DOUBLE, f"max_batch_size: 64\n{ONE_IN_TWO_OUT}{GATHER}")
    sent = [np.full((1 + i % 3, 2), i, np.float32) for i in range(32)]
    answers = infer_all(triton, [Request(model=model, inputs={"x": x}) for x in sent])
    for x, answer in zip(sent, answers, strict=True):
        np.testing.assert_array_equal(outputs(answer)["y"], x * 2)
    (counted,) = triton.statistics(model)
    assert counted.inference_count == sum(map(len, sent))
    assert counted.execution_count <= 16
    # One call per batch: the function saw as many rows as Triton's batches have.
    rows = {int(outputs(answer)["rows"][0, 0]) for answer in answers}
    assert rows == set(counted.batches)


def test_without_join_each_request_is_a_call_and_may_change_the_rows(
    load: Load, triton: Triton
) -> None:
    source = """
        import numpy as np

        def step(x):
            count = int(x[0, 0])
            return {"y": np.repeat(x, count, axis=0), "rows": np.full((1, 1), len(x), np.int32)}
    """
    model = load(source, f"max_batch_size: 64\n{ONE_IN_TWO_OUT}{GATHER}", join=False)
    sent = [np.full((1, 2), count, np.float32) for count in (0, 1, 3)]
    answers = infer_all(triton, [Request(model=model, inputs={"x": x}) for x in sent])
    assert [outputs(answer)["y"].shape for answer in answers] == [(0, 2), (1, 2), (3, 2)]
    assert [outputs(answer)["rows"].tolist() for answer in answers] == [[[1]]] * 3


def test_requests_of_different_shapes_in_one_batch_are_grouped(load: Load, triton: Triton) -> None:
    source = """
        import numpy as np

        def step(x):
            rows = np.full((len(x), 1), len(x), np.int32)
            return {"y": x.sum(axis=1, keepdims=True), "rows": rows}
    """
    config = tensor("input", "x", "FP32", "-1", "allow_ragged_batch: true") + (
        tensor("output", "y", "FP32") + tensor("output", "rows", "INT32")
    )
    model = load(source, f"max_batch_size: 64\n{config}{GATHER}")
    sent = [np.ones((1, 1 + i % 3), np.float32) for i in range(12)]
    answers = infer_all(triton, [Request(model=model, inputs={"x": x}) for x in sent])
    assert [float(outputs(answer)["y"][0, 0]) for answer in answers] == [1, 2, 3] * 4
    (counted,) = triton.statistics(model)
    assert counted.execution_count < 12
    assert max(int(outputs(answer)["rows"][0, 0]) for answer in answers) > 1


def test_requests_with_and_without_an_optional_input_are_grouped(
    load: Load, triton: Triton
) -> None:
    source = """
        import numpy as np

        def step(x, bias=None):
            rows = np.full((len(x), 1), len(x), np.int32)
            return {"y": x if bias is None else x + bias, "rows": rows}
    """
    bias = tensor("input", "bias", "FP32", "2", "optional: true")
    model = load(source, f"max_batch_size: 64\n{ONE_IN_TWO_OUT}{bias}{GATHER}")
    x, one = np.zeros((1, 2), np.float32), np.ones((1, 2), np.float32)
    sent = [{"x": x}, {"x": x, "bias": one}] * 3
    answers = infer_all(triton, [Request(model=model, inputs=inputs) for inputs in sent])
    assert [float(outputs(answer)["y"][0, 0]) for answer in answers] == [0, 1] * 3


def test_only_the_guilty_requests_of_a_joined_call_fail(load: Load, triton: Triton) -> None:
    source = """
        import numpy as np

        def step(x):
            if (x < 0).any():
                raise ValueError(f"negative: {x.min()}")
            return {"y": x, "rows": np.full((len(x), 1), len(x), np.int32)}
    """
    model = load(source, f"max_batch_size: 64\n{ONE_IN_TWO_OUT}{GATHER}")
    sent = [np.full((1, 2), -i if i % 5 == 4 else i, np.float32) for i in range(16)]
    answers = infer_all(triton, [Request(model=model, inputs={"x": x}) for x in sent])
    for x, answer in zip(sent, answers, strict=True):
        if x[0, 0] < 0:
            assert isinstance(answer, TritonError)
            place = "user_step.py:6"
            assert answer.message == f"step: ValueError: negative: {x.min()} ({place})"
        else:
            np.testing.assert_array_equal(outputs(answer)["y"], x)
    (counted,) = triton.statistics(model)
    assert counted.execution_count < 16


def test_a_step_that_leaves_fails_its_own_request_only(load: Load, triton: Triton) -> None:
    source = """
        import sys

        def step(x):
            if (x == 3).any():
                sys.exit("three")
            if (x == 4).any():
                raise OSError("no file \\udce4")
            return {"y": x}
    """
    model = load(source, f"max_batch_size: 64\n{ONE_IN_ONE_OUT}{GATHER}")
    sent = [np.full((1, 2), i, np.float32) for i in range(6)]
    answers = infer_all(triton, [Request(model=model, inputs={"x": x}) for x in sent])
    for i in (0, 1, 2, 5):
        np.testing.assert_array_equal(outputs(answers[i])["y"], sent[i])
    assert str(answers[3]) == "step: SystemExit: three (user_step.py:6)"
    assert str(answers[4]) == r"step: OSError: no file \udce4 (user_step.py:8)"


def test_of_a_model_whose_process_died_the_error_says_what_to_do(
    load: Load, triton: Triton
) -> None:
    source = """
        import os

        def step(x):
            os._exit(3)
    """
    model = load(source, f"max_batch_size: 64\n{ONE_IN_ONE_OUT}")
    with pytest.raises(TritonError, match="is not healthy") as caught:
        triton.infer(Request(model=model, inputs={"x": np.ones((1, 2), np.float32)}))
    assert "process has ended" in caught.value.why
    assert "tritongen down" in caught.value.fix


def test_joined_calls_see_the_id_parameters_and_rows_of_each_request(
    load: Load, triton: Triton
) -> None:
    source = """
        import numpy as np

        def step(x, *, context):
            said = [
                f"{r.id} {r.parameters['scale']!r} {r.parameters['kind']!r} {r.rows}"
                for r in context.requests
                for _ in range(r.rows)
            ]
            return {"said": np.array(said, object)[:, None]}
    """
    config = tensor("input", "x", "FP32", "2") + tensor("output", "said", "STRING")
    model = load(source, f"max_batch_size: 64\n{config}{GATHER}")
    rows = [1, 2, 3, 1, 2, 3]
    requests = [
        Request(
            model=model,
            inputs={"x": np.zeros((count, 2), np.float32)},
            parameters={"scale": i, "kind": f"k{i}"},
        )
        for i, count in enumerate(rows)
    ]
    for i, answer in enumerate(infer_all(triton, requests)):
        said = f" {i} 'k{i}' {rows[i]}".encode()
        assert outputs(answer)["said"].tolist() == [[said]] * rows[i]
    (counted,) = triton.statistics(model)
    assert counted.execution_count < len(rows)


def test_of_a_function_that_can_not_batch_the_log_says_so(
    load: Load, triton: Triton, endpoint: Endpoint
) -> None:
    source = """
        import numpy as np

        def step(x):
            return {"y": x[:1], "rows": np.ones((1, 1), np.int32)}
    """
    model = load(source, f"max_batch_size: 64\n{ONE_IN_TWO_OUT}{GATHER}")
    x = np.ones((1, 2), np.float32)
    answers = infer_all(triton, [Request(model=model, inputs={"x": x})] * 4)
    assert [len(outputs(answer)["y"]) for answer in answers] == [1] * 4
    log = Path(endpoint.log).read_text("utf-8")
    assert "requests joined, with none of them alone: if it can't batch, say join: false" in log
    with pytest.raises(TritonError, match="step: output 'y' must have shape"):
        triton.infer(Request(model=model, inputs={"x": np.ones((3, 2), np.float32)}))


def test_a_model_that_does_not_batch_is_called_for_each_request(load: Load, triton: Triton) -> None:
    source = """
        import numpy as np

        def step(x):
            return {"y": x * 2, "rows": np.array([x.shape[0]], np.int32)}
    """
    config = tensor("input", "x", "FP32", "-1, 2") + (
        tensor("output", "y", "FP32", "-1, 2") + tensor("output", "rows", "INT32")
    )
    model = load(source, f"max_batch_size: 0\n{config}")
    for rows in (0, 1, 3):
        x = np.ones((rows, 2), np.float32)
        found = triton.infer(Request(model=model, inputs={"x": x})).outputs
        np.testing.assert_array_equal(found["y"], x * 2)
        assert found["rows"].tolist() == [rows]


def test_a_sequence_step_gets_its_control_inputs_as_arguments(load: Load, triton: Triton) -> None:
    source = """
        import numpy as np

        def setup(context):
            return {}

        def step(x, START, ID, *, context):
            for row, start, sequence in zip(x, START[:, 0], ID[:, 0]):
                context.state[sequence] = row + (0 if start else context.state[sequence])
            return {"sum": np.stack([context.state[sequence] for sequence in ID[:, 0]])}
    """
    controls = """sequence_batching { oldest { max_candidate_sequences: 4 }
        control_input { name: "START" control {
            kind: CONTROL_SEQUENCE_START int32_false_true: [0, 1] } }
        control_input { name: "ID" control {
            kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_UINT64 } } }
    """
    config = tensor("input", "x", "FP32") + tensor("output", "sum", "FP32")
    one = "instance_group { kind: KIND_CPU }\n"
    model = load(source, f"max_batch_size: 4\n{config}{controls}{one}")

    def send(sequence: int, x: float, **more: bool) -> float:
        request = Request(
            model=model,
            inputs={"x": np.full((1, 1), x, np.float32)},
            parameters={"sequence_id": sequence, **more},
        )
        return float(triton.infer(request).outputs["sum"][0, 0])

    assert send(7, 1, sequence_start=True) == 1
    assert send(8, 10, sequence_start=True) == 10
    assert send(7, 2) == 3
    assert send(8, 20, sequence_end=True) == 30
    assert send(7, 3, sequence_end=True) == 6
