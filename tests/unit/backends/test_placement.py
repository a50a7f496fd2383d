"""Each backend's files: told by their names, placed where it looks, with what it has to know."""

import pytest
from tests.unit.backends.test_openvino import NET
from tests.unit.backends.test_pytorch import script
from tests.unit.backends.test_tensorflow import SERVING, saved_model
from tests.unit.probe.onnx_models import identity
from tritonclient.grpc.model_config_pb2 import ModelConfig

SAVED = saved_model((["serve"], {"serving_default": SERVING}))
ONNX = identity().SerializeToString()
STEP = b"class TritonPythonModel:\n    def execute(self, requests): ...\n"


def put(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("source", "files", "backend", "placed", "settings"),
    [
        ("a.plan", {"a.plan": b"ptrt"}, "tensorrt", ["model.plan"], {}),
        ("a.engine", {"a.engine": b"ptrt"}, "tensorrt", ["model.plan"], {}),
        ("a.onnx", {"a.onnx": ONNX}, "onnxruntime", ["model.onnx"], {}),
        ("a.xml", {"a.xml": NET.encode()}, "openvino", ["model.xml"], {}),
        (
            "a.xml",
            {"a.xml": NET.encode(), "a.bin": b"w"},
            "openvino",
            ["model.bin", "model.xml"],
            {},
        ),
        ("a.pt", {"a.pt": script()}, "pytorch", ["model.pt"], {}),
        ("a.pt2", {"a.pt2": b"PK\3\4"}, "pytorch", ["model.pt2"], {"platform": "torch_aoti"}),
        (
            "a.graphdef",
            {"a.graphdef": b"x"},
            "tensorflow",
            ["model.graphdef"],
            {"platform": "tensorflow_graphdef"},
        ),
        (
            "a.pb",
            {"a.pb": b"x"},
            "tensorflow",
            ["model.graphdef"],
            {"platform": "tensorflow_graphdef"},
        ),
        (
            "a.savedmodel",
            {"a.savedmodel/saved_model.pb": SAVED},
            "tensorflow",
            ["model.savedmodel/saved_model.pb"],
            {},
        ),
        (
            "export",
            {"export/saved_model.pb": SAVED, "export/variables/variables.index": b"i"},
            "tensorflow",
            ["model.savedmodel/saved_model.pb", "model.savedmodel/variables/variables.index"],
            {},
        ),
        ("a.dali", {"a.dali": b"x"}, "dali", ["model.dali"], {}),
        ("a.py", {"a.py": STEP}, "python", ["model.py"], {}),
        (
            "v",
            {"v/model.py": STEP, "v/model.pt": script()},
            "pytorch",
            ["model.pt", "model.py"],
            {},
        ),
        ("v", {"v/model.pt2": b"PK"}, "pytorch", ["model.pt2"], {"platform": "torch_aoti"}),
        ("v", {"v/model.xml": NET.encode(), "v/model.bin": b"w"}, "openvino", None, {}),
        ("v", {"v/model.onnx": ONNX, "v/model.py": STEP}, "onnxruntime", None, {}),
        ("v", {"v/model.plan": b"p", "v/model.onnx": ONNX}, "tensorrt", None, {}),
    ],
)
def test_files_tell_their_backend(source, files, backend, placed, settings, read, tmp_path):
    put(tmp_path, files)
    facts = read(source=source).models["m"][1]
    assert (facts.backend, facts.settings) == (backend, settings)
    expected = placed or sorted(name.removeprefix("v/") for name in files)
    assert list(facts.files) == expected


@pytest.mark.parametrize(
    ("config", "source", "files", "placed", "settings"),
    [
        (
            {"backend": "vllm"},
            "args.json",
            {"args.json": b'{"model": "facebook/opt-125m"}'},
            ["model.json"],
            {},
        ),
        (
            {"backend": "openvino"},
            "a.onnx",
            {"a.onnx": ONNX},
            ["model.onnx"],
            {"default_model_filename": "model.onnx"},
        ),
        (
            {"backend": "openvino", "default_model_filename": "net.pdmodel"},
            "a.pdmodel",
            {"a.pdmodel": b"x", "a.pdiparams": b"w"},
            ["net.pdiparams", "net.pdmodel"],
            {"default_model_filename": "model.pdmodel"},
        ),
        (
            {"backend": "pytorch", "runtime": "model.py"},
            "v",
            {"v/model.py": b"class Net: ...", "v/model.pt": b"weights"},
            ["model.pt", "model.py"],
            {"runtime": "model.py"},
        ),
        ({"platform": "torch_aoti"}, "a.pt2", {"a.pt2": b"PK"}, ["model.pt2"], None),
        ({"backend": "dali"}, "pipe.py", {"pipe.py": b"x = 1"}, ["dali.py"], None),
        ({"backend": "tensorrtllm"}, "engine", {"engine/rank0.engine": b"x"}, None, {}),
        ({"backend": "mine"}, "weights.abc", {"weights.abc": b"x"}, ["weights.abc"], {}),
        ({"backend": "mine"}, "v", {"v/a.pt": b"x", "v/sub/b.onnx": b"y"}, None, {}),
    ],
)
def test_files_are_placed_for_the_backend_that_is_said(
    config, source, files, placed, settings, read, tmp_path
):
    put(tmp_path, files)
    facts = read(source=source, config=ModelConfig(**config)).models["m"][1]
    assert list(facts.files) == (placed or sorted(name.partition("/")[2] for name in files))
    if settings is not None:
        assert facts.settings == settings


def test_an_engine_of_vllm_without_a_model_is_refused(refused, tmp_path):
    put(tmp_path, {"a.json": b"{}", "b.json": b"no"})
    for name, what in (("a.json", "does not say which model"), ("b.json", "is not JSON")):
        (finding,) = refused(source=name, config=ModelConfig(backend="vllm"))
        assert (finding.code, what in finding.message) == ("TG056", True)


def test_an_engine_of_tensorrt_llm_has_the_tensors_that_every_request_needs(
    read, refused, tmp_path
):
    put(tmp_path, {"e/rank0.engine": b"x", "e/config.json": b'{"build_config": {}}'})
    facts = read(source="e", config=ModelConfig(backend="tensorrtllm")).models["m"][1]
    assert [one.name for one in facts.inputs] == [
        "input_ids", "input_lengths", "request_output_len"
    ]  # fmt: skip
    assert [one.name for one in facts.outputs] == ["output_ids", "sequence_length"]
    declared = ModelConfig(backend="tensorrtllm", input=[{"name": "input_ids"}])
    assert read(source="e", config=declared).models["m"][1].inputs is None
    put(tmp_path, {"e/config.json": b'{"architectures": ["Llama"]}'})
    assert read(source="e", config=ModelConfig(backend="tensorrtllm")).models["m"][1].inputs is None
    put(tmp_path, {"e/config.json": b"no"})
    (finding,) = refused(source="e", config=ModelConfig(backend="tensorrtllm"))
    assert finding.code == "TG056"


def test_a_pointer_to_an_engine_is_not_an_engine(refused, tmp_path):
    put(tmp_path, {"a.plan": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"})
    (finding,) = refused(source="a.plan")
    assert finding.fix == "fetch the file itself: git lfs pull"
