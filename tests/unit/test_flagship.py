"""The steps of the flagship, without a server, against the ``magika`` package itself."""

import json
import random
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
from steps.features import BEGIN, BLOCK_BYTES, END, PADDING, features
from steps.verdict import Rules, judged_by_size, setup, verdict

MODEL = files("magika") / "models/standard_v3_3"


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    folder: Path = tmp_path_factory.mktemp("verdict")
    (folder / "magika.json").write_bytes((MODEL / "config.min.json").read_bytes())
    types = files("magika") / "config/content_types_kb.min.json"
    (folder / "content_types.json").write_bytes(types.read_bytes())
    return setup(SimpleNamespace(model_folder=folder))


def column(*contents: bytes) -> np.ndarray:
    return np.array(contents, object).reshape(-1, 1)


@pytest.mark.parametrize(("rows", "magika"), [(16, "magika_together"), (1, "magika_alone")])
def test_the_steps_and_the_model_answer_like_magika(real_files, rules, request, rows, magika):
    expected = request.getfixturevalue(magika)
    session = onnxruntime.InferenceSession(str(MODEL / "model.onnx"))
    labels, scores = [], []
    for start in range(0, len(real_files), rows):
        batch = column(*list(real_files.values())[start : start + rows])
        (raw,) = session.run(["target_label"], features(batch))
        answer = verdict(batch, raw, context=SimpleNamespace(state=rules))
        labels += [label.decode() for label in answer["label"][:, 0]]
        scores += list(answer["score"][:, 0])
    assert len(labels) >= 300
    assert dict(zip(real_files, labels, strict=True)) == {
        name: label for name, (label, _) in expected.items()
    }
    sure = [score for _, score in expected.values()]
    np.testing.assert_allclose(scores, sure, rtol=0, atol=1e-4)


def test_the_files_are_of_many_kinds_so_that_the_parity_means_something(magika_alone):
    labels = {label for label, _ in magika_alone.values()}
    assert labels >= {"elf", "python", "txt", "empty", "unknown", "zip", "png", "pythonbytecode"}
    assert len(labels) >= 40


def test_features_are_laid_out_as_the_models_own_configuration_says():
    config = json.loads((MODEL / "config.min.json").read_text())
    assert (
        config["beg_size"],
        config["end_size"],
        config["padding_token"],
    ) == (BEGIN, END, PADDING)
    assert config["block_size"] == BLOCK_BYTES
    assert (config["mid_size"], config["use_inputs_at_offsets"]) == (0, False)


def test_a_short_file_is_padded_after_its_begin_and_before_its_end():
    tokens = features(column(b"  abc "))["bytes"]
    assert tokens.shape == (1, 2048)
    assert tokens.dtype == np.int32
    assert tokens[0, :4].tolist() == [*b"abc "]
    assert tokens[0, -5:].tolist() == [*b"  abc"]
    assert set(tokens[0, 4:-5]) == {PADDING}


def test_whitespace_beyond_the_first_and_last_block_stays():
    data = b" " * 4095 + b"x" * 5000 + b" " * 4095
    tokens = features(column(data))["bytes"][0]
    assert tokens[:2].tolist() == [ord("x"), PADDING]
    assert tokens[-2:].tolist() == [PADDING, ord("x")]


def test_no_files_give_no_rows(rules):
    nothing = column()
    assert features(nothing)["bytes"].shape == (0, 2048)
    answer = verdict(nothing, np.zeros((0, 214), np.float32), context=SimpleNamespace(state=rules))
    assert answer["label"].shape == answer["score"].shape == (0, 1)


@pytest.mark.parametrize(
    ("data", "label"),
    [
        (b"", b"empty"),
        (b"x", b"txt"),
        (b"\xff", b"unknown"),
        (b"1234567", b"txt"),
        (b"12345678", None),
        (b" " * 5000, b"txt"),
        (b"\n12345678", None),
        (b" " * 4095 + "é".encode() * 9, b"unknown"),
    ],
)
def test_empty_tiny_and_blank_files_are_judged_without_the_model(rules, data, label):
    assert judged_by_size(data, rules) == label


@pytest.mark.parametrize(
    ("name", "score", "label"),
    [
        ("python", 0.51, b"python"),
        ("python", 0.49, b"txt"),
        ("png", 0.49, b"unknown"),
        ("markdown", 0.74, b"txt"),
        ("markdown", 0.76, b"markdown"),
        ("randombytes", 0.99, b"unknown"),
        ("randomtxt", 0.99, b"txt"),
    ],
)
def test_a_score_below_its_threshold_falls_back_to_text_or_unknown(rules, name, score, label):
    classes = json.loads((MODEL / "config.min.json").read_text())["target_labels_space"]
    scores = np.zeros((1, len(classes)), np.float32)
    scores[0, classes.index(name)] = score
    data = random.Random(2).randbytes(100)
    answer = verdict(column(data), scores, context=SimpleNamespace(state=rules))
    assert answer["label"].tolist() == [[label]]
    assert answer["score"].tolist() == [[pytest.approx(score)]]
