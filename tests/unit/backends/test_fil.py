"""Forests: XGBoost's JSON and LightGBM's text by hand, the binary formats where Treelite is."""

import json

import pytest
from tritonclient.grpc.model_config_pb2 import ModelConfig

from tritongen.errors import SpecError
from tritongen.parts.backends import fil

HEADER = (
    "tree\nversion=v4\nnum_class={}\nmax_feature_idx=4\nobjective=binary\n\nTree=0\nnum_class=9\n"
)


def xgboost(classes):
    parameters = {"num_feature": "5", "num_class": str(classes), "num_target": "1"}
    return json.dumps({"learner": {"learner_model_param": parameters}, "version": [3, 2, 0]})


def put(folder, name, text):
    (folder / name).write_text(text)
    return folder / name


def config(model_type, proba=None):
    said = ModelConfig(backend="fil")
    said.parameters["model_type"].string_value = model_type
    if proba:
        said.parameters["predict_proba"].string_value = proba
    return said


@pytest.mark.parametrize(
    ("name", "text", "classes"),
    [
        ("m.json", xgboost(0), 1),
        ("m.json", xgboost(3), 3),
        ("m.txt", HEADER.format(1), 1),
        ("m.txt", HEADER.format(4), 4),
    ],
)
def test_features_and_classes_are_read(name, text, classes, tmp_path):
    inspect = fil.inspect_xgboost if name == "m.json" else fil.inspect_lightgbm
    found = inspect(put(tmp_path, name, text), name)
    assert [(t.name, t.data_type, t.shape) for t in found.inputs] == [
        ("input__0", "TYPE_FP32", (-1, 5))
    ]
    assert [(t.name, t.shape) for t in found.outputs] == [("output__0", (-1, classes))]


@pytest.mark.parametrize(
    ("classes", "proba", "outputs"),
    [
        (3, None, [(-1, 1)]),
        (3, "false", [(-1, 1)]),
        (3, "true", [(-1, 3)]),
        (0, "true", None),
    ],
)
def test_the_output_is_a_class_or_its_probabilities(classes, proba, outputs, read, tmp_path):
    put(tmp_path, "m.json", xgboost(classes))
    facts = read(source="m.json", config=config("xgboost_json", proba)).models["m"][1]
    assert list(facts.files) == ["xgboost.json"]
    assert (facts.outputs and [tensor.shape for tensor in facts.outputs]) == outputs


@pytest.mark.parametrize("text", ["{}", "[]", '{"learner": {}}', "tree\nnum_class=x\n", "[" * 9999])
@pytest.mark.parametrize("inspect", [fil.inspect_xgboost, fil.inspect_lightgbm])
def test_what_is_no_forest_is_refused(inspect, text, tmp_path):
    with pytest.raises(SpecError) as error:
        inspect(put(tmp_path, "m", text), "m")
    assert error.value.findings[0].code == "TG056"


def test_the_suffix_tells_which_forest_it_is(read, tmp_path):
    put(tmp_path, "m.json", xgboost(0))
    put(tmp_path, "m.txt", HEADER.format(1))
    put(tmp_path, "m.tl", "binary")
    for name, file, settings in (
        ("m.json", "xgboost.json", {"parameters.model_type": "xgboost_json"}),
        ("m.txt", "model.txt", {"parameters.model_type": "lightgbm"}),
        ("m.tl", "checkpoint.tl", {"parameters.model_type": "treelite_checkpoint"}),
    ):
        facts = read(source=name, config=ModelConfig(backend="fil")).models["m"][1]
        assert (list(facts.files), facts.settings) == ([file], settings)


def test_treelite_reads_what_it_wrote(tmp_path):
    treelite = pytest.importorskip(
        "treelite", reason="Treelite is not installed: text formats only"
    )
    from treelite.model_builder import Metadata, ModelBuilder, PostProcessorFunc, TreeAnnotation

    builder = ModelBuilder(
        threshold_type="float32",
        leaf_output_type="float32",
        metadata=Metadata(
            num_feature=5,
            task_type="kMultiClf",
            average_tree_output=False,
            num_target=1,
            num_class=[3],
            leaf_vector_shape=(1, 3),
        ),
        tree_annotation=TreeAnnotation(num_tree=1, target_id=[0], class_id=[-1]),
        postprocessor=PostProcessorFunc(name="softmax"),
        base_scores=[0.0, 0.0, 0.0],
    )
    builder.start_tree()
    builder.start_node(0)
    builder.leaf([0.1, 0.2, 0.7])
    builder.end_node()
    builder.end_tree()
    builder.commit().serialize(tmp_path / "m.tl")
    found = fil.inspect_checkpoint(tmp_path / "m.tl", "m.tl")
    assert (found.inputs[0].shape, found.outputs[0].shape) == ((-1, 5), (-1, 3))
    assert treelite.Model.deserialize(tmp_path / "m.tl").num_feature == 5
