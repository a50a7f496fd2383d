"""SavedModels, made with TensorFlow's field numbers."""

import pytest

from tritongen.errors import SpecError
from tritongen.parts.backends.tensorflow import _message, inspect


def saved_model(*graphs):
    """``graphs`` hold tags, and signatures: name -> (inputs, outputs): name -> (type, dims)."""
    model = _message("SavedModel")()
    for tags, signatures in graphs:
        graph = model.meta_graphs.add()
        graph.meta_info_def.tags.extend(tags)
        for name, (inputs, outputs) in signatures.items():
            entry = graph.signature_def.add(key=name)
            for target, tensors in ((entry.value.inputs, inputs), (entry.value.outputs, outputs)):
                for key, (kind, dims) in tensors.items():
                    info = target.add(key=key).value
                    info.dtype = kind
                    info.tensor_shape.unknown_rank = int(dims is None)
                    for size in dims or ():
                        info.tensor_shape.dim.add(size=size)
    return model.SerializeToString()


def read(content, tmp_path):
    file = tmp_path / "saved_model.pb"
    file.write_bytes(content)
    return inspect(file, "export")


SERVING = ({"ids": (9, (-1, 4)), "age": (1, None)}, {"score": (19, (-1,)), "odd": (8, (2,))})


def test_tensors_are_those_of_the_serving_signature(tmp_path):
    content = saved_model(
        (["train"], {"serving_default": ({"no": (1, (1,))}, {})}),
        (["serve"], {"other": ({}, {}), "serving_default": SERVING}),
    )
    found = read(content, tmp_path)
    assert [(t.name, t.data_type, t.shape) for t in found.inputs] == [
        ("age", "TYPE_FP32", None),
        ("ids", "TYPE_INT64", (-1, 4)),
    ]
    assert [(t.name, t.data_type, t.shape) for t in found.outputs] == [
        ("odd", "TYPE_INVALID", (2,)),
        ("score", "TYPE_FP16", (-1,)),
    ]


def test_a_model_without_that_signature_is_not_known(tmp_path):
    found = read(saved_model((["serve"], {"predict": SERVING})), tmp_path)
    assert (found.inputs, found.outputs) == (None, None)


@pytest.mark.parametrize("content", [b"\x08\x01", b"\xff" * 40, b"<html></html>", b"\x12\x7f\x01"])
def test_what_is_no_saved_model_is_refused(content, tmp_path):
    with pytest.raises(SpecError) as error:
        read(content, tmp_path)
    assert error.value.findings[0].code == "TG056"


def test_a_saved_models_own_file_is_no_graph(refused, tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(saved_model((["serve"], {})))
    (finding,) = refused(source="saved_model.pb")
    assert "is a part of a SavedModel" in finding.message
