"""Arrays get the shape that the model takes, or the user hears what it expects."""

import numpy as np
import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from tritongen.errors import SpecError
from tritongen.stages.infer import Signature, gather, generate, given, read_body, signature


def model(text: str) -> Signature:
    return signature(text_format.Parse(text, ModelConfig(name="m")))


BATCHED = model(
    """
    max_batch_size: 4
    input { name: "X" data_type: TYPE_FP32 dims: [2, 3] }
    input { name: "K" data_type: TYPE_INT32 dims: [1] optional: true }
    output { name: "Y" data_type: TYPE_FP32 dims: [1] label_filename: "labels.txt" }
    """
)
TOKENS = model('max_batch_size: 4 input { name: "IDS" data_type: TYPE_INT64 dims: [-1] }')
PLAIN = model('input { name: "X" data_type: TYPE_FP32 dims: [-1, 3] }')


def zeros(*shape: int) -> np.ndarray:  # type: ignore[type-arg]
    return np.zeros(shape, np.float32)


@pytest.mark.parametrize(
    ("shape", "sent"),
    [((1, 2, 3), (1, 2, 3)), ((4, 2, 3), (4, 2, 3)), ((2, 3), (1, 2, 3)), ((6,), (1, 2, 3)),
     ((12,), (2, 2, 3))],
)  # fmt: skip
def test_the_batch_dimension_may_be_left_out(shape: tuple[int, ...], sent: tuple[int, ...]) -> None:
    assert gather(BATCHED, {"X": [zeros(*shape)]})["X"].shape == sent


@pytest.mark.parametrize("shape", [(), (5,), (3, 2), (1, 3, 2), (1, 1, 2, 3), (0,)])
def test_a_shape_that_does_not_fit_is_told_with_what_does(shape: tuple[int, ...]) -> None:
    with pytest.raises(SpecError) as caught:
        gather(BATCHED, {"X": [zeros(*shape)]})
    assert str(caught.value) == f"X: the shape {list(shape)} does not fit [1..4, 2, 3]"
    assert "X  FP32   [1..4, 2, 3]\n  K  INT32  [1..4, 1]     optional" in caught.value.why


def test_a_flat_list_for_a_varying_dimension_is_one_row() -> None:
    assert gather(TOKENS, {"IDS": [np.arange(7)]})["IDS"].shape == (1, 7)


def test_several_values_of_an_input_are_its_rows() -> None:
    rows = gather(TOKENS, {"IDS": [np.arange(3), np.arange(3, 6)]})["IDS"]
    assert rows.tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(SpecError, match=r"rows differ in shape \(\[2\], \[3\]\)"):
        gather(TOKENS, {"IDS": [np.arange(3), np.arange(2)]})


def test_a_shape_tensor_has_no_rows() -> None:
    resizes = model(
        """
        max_batch_size: 4
        input { name: "X" data_type: TYPE_FP32 dims: [3] }
        input { name: "S" data_type: TYPE_INT32 dims: [2] is_shape_tensor: true }
        """
    )
    sent = gather(resizes, {"X": [zeros(3, 3)], "S": [np.array([8, 6], np.int32)]})
    assert (sent["X"].shape, sent["S"].tolist()) == ((3, 3), [8, 6])
    made = gather(resizes, generate(resizes, 2))
    assert (made["X"].shape, made["S"].tolist()) == ((2, 3), [4, 4])
    with pytest.raises(SpecError, match=r"\[1, 2\] does not fit \[2\]"):
        gather(resizes, {"X": [zeros(3)], "S": [np.array([[8, 6]], np.int32)]})


def test_a_model_without_batches_joins_values_along_its_own_first_dimension() -> None:
    assert gather(PLAIN, {"X": [zeros(1, 3), zeros(2, 3)]})["X"].shape == (3, 3)
    with pytest.raises(SpecError, match="takes no batches"):
        gather(PLAIN, {"X": [zeros(1, 3)]}, rows=2)


def test_an_input_of_one_row_goes_with_every_row_of_the_others() -> None:
    k = np.array([[7]], np.int32)
    sent = gather(BATCHED, {"X": [zeros(3, 2, 3)], "K": [k]})
    assert sent["K"].tolist() == [[7], [7], [7]]
    assert gather(BATCHED, {"X": [zeros(2, 3)]}, rows=4)["X"].shape == (4, 2, 3)


@pytest.mark.parametrize(
    ("x_rows", "k_rows", "batch", "said"),
    [
        (3, 2, None, "X has 3, K has 2; all inputs need as many"),
        (3, 3, 2, "X has 3, K has 3; 2 are wanted by --batch"),
        (5, 5, None, "5 rows are more than m takes"),
    ],
)
def test_rows_that_do_not_go_together_are_told(
    x_rows: int, k_rows: int, batch: int | None, said: str
) -> None:
    values = {"X": [zeros(x_rows, 2, 3)], "K": [np.zeros((k_rows, 1), np.int32)]}
    with pytest.raises(SpecError, match=said):
        gather(BATCHED, values, batch)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        given(BATCHED, {"X": ["1,a"], "K": ["1.5"]})
    assert str(caught.value).splitlines() == [
        'X: "a" is no number, as FP32 wants it',
        "K: 1.5 is no whole number, as INT32 wants it",
    ]
    with pytest.raises(SpecError) as caught:
        gather(BATCHED, {"K": [np.zeros(2, np.int32), np.zeros((2, 2), np.int32)]})
    assert str(caught.value).splitlines()[0] == "X: missing"
    assert str(caught.value).splitlines()[1].startswith("K: the shape")


def test_a_wrong_name_gets_the_near_one() -> None:
    with pytest.raises(SpecError, match="m has no input 'IDs'") as caught:
        given(TOKENS, {"IDs": ["1"]})
    assert caught.value.fix == "did you mean 'IDS'?"


def test_generated_input_is_valid_the_same_each_time_and_without_what_is_optional() -> None:
    first, second = (generate(BATCHED, 3) for _ in range(2))
    assert list(first) == ["X"]
    assert first["X"][0].tolist() == second["X"][0].tolist()
    assert gather(BATCHED, first, 3)["X"].shape == (3, 2, 3)
    assert gather(TOKENS, generate(TOKENS))["IDS"].shape == (1, 4)


def test_a_model_that_needs_nothing_gets_all_its_inputs_generated() -> None:
    free = model('input { name: "T" data_type: TYPE_STRING dims: [2] optional: true }')
    assert generate(free)["T"][0].tolist() == [b"text 0", b"text 1"]


def test_bf16_can_not_be_generated_and_says_why() -> None:
    with pytest.raises(SpecError, match="numpy has no BF16"):
        generate(model('input { name: "X" data_type: TYPE_BF16 dims: [1] }'))


class TestBody:
    def test_an_object_maps_inputs_to_values(self) -> None:
        body = read_body(b'{"IDS": [[1, 2], [3, 4]]}', "b.json", TOKENS)
        assert body.inputs["IDS"][0].tolist() == [[1, 2], [3, 4]]

    def test_the_protocols_own_request_is_understood_whole(self) -> None:
        body = read_body(
            b"""{"id": "7", "parameters": {"priority": 2},
                 "inputs": [{"name": "IDS", "datatype": "INT64", "shape": [2, 1], "data": [8, 9]}],
                 "outputs": [{"name": "Y", "parameters": {"classification": 3}}, {"name": "Z"}]}""",
            "b.json",
            TOKENS,
        )
        assert body.inputs["IDS"][0].tolist() == [[8], [9]]
        assert body.outputs == ("Y", "Z")
        assert body.classes == {"Y": 3}
        assert body.parameters == {"priority": 2}

    @pytest.mark.parametrize("value", ["[1, 2]", '[{"name": "x"}]'])
    def test_an_input_called_inputs_is_an_input(self, value: str) -> None:
        strange = model('input { name: "inputs" data_type: TYPE_INT64 dims: [-1] }')
        if "name" in value:
            with pytest.raises(SpecError, match="no whole number"):
                read_body(f'{{"inputs": {value}}}'.encode(), "b.json", strange)
        else:
            body = read_body(f'{{"inputs": {value}}}'.encode(), "b.json", strange)
            assert body.inputs["inputs"][0].tolist() == [1, 2]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[1]", "b.json holds no JSON object"),
            ("{", "b.json is no JSON"),
            ('{"IDs": 1}', "m has no input 'IDs'"),
            ('{"IDS": "a"}', 'IDS: "a" is no whole number'),
            ('{"inputs": [{"name": "IDS", "datatype": "FP32", "data": [1]}]}', "wanted is INT64"),
            ('{"inputs": [{"name": "IDS", "shape": [1]}]}', "IDS: no data"),
            ('{"inputs": [{"name": "IDS", "shape": [3], "data": [1]}]}', "1 values of data"),
            ('{"inputs": [{"name": "IDS", "shape": "x", "data": [1]}]}', "1 values of data"),
            ('{"inputs": [{"name": "IDS", "data": [1]}], "outputs": 1}', "outputs is no list"),
            ('{"inputs": [{"name": 1, "data": [1]}]}', "inputs is no list"),
            (
                '{"inputs": [{"name": "IDS", "data": [1]}], "parameters": 1}',
                "parameters is no JSON",
            ),
            (
                '{"inputs": [{"name": "IDS", "data": [1]}], '
                '"outputs": [{"name": "Y", "parameters": 1}]}',
                "parameters of output Y is no JSON",
            ),
            (
                '{"inputs": [{"name": "IDS", "data": [1]}], '
                '"outputs": [{"name": "Y", "parameters": {"classification": "x"}}]}',
                "classification of output Y is no number",
            ),
        ],
    )
    def test_a_body_that_is_wrong_says_where(self, text: str, said: str) -> None:
        with pytest.raises(SpecError, match=said):
            read_body(text.encode(), "b.json", TOKENS)
