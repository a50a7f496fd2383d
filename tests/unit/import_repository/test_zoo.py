"""Repositories as they are found in the wild become specs that build them back."""

import os
from pathlib import Path

import pytest
from tests.unit.import_repository.conftest import PYTHON_CONFIG, WRITES_PYTHON, Import
from tests.unit.probe import onnx_models

ONNX = onnx_models.identity().SerializeToString()
PLAN_CONFIG = """
platform: "tensorrt_plan"
max_batch_size: 8
input { name: "x" data_type: TYPE_FP32 dims: 4 }
output { name: "y" data_type: TYPE_FP32 dims: 4 }
"""


def python(name: str, more: str = "") -> dict[str, str | bytes]:
    """Return the files of a Python model; ``more`` is added to its configuration."""
    return {f"{name}/config.pbtxt": PYTHON_CONFIG + more, f"{name}/1/model.py": WRITES_PYTHON}


def chain(*steps: str, inputs: str = "x", outputs: str = "y") -> str:
    """Return the configuration of an ensemble of FP32[4] tensors."""
    tensor = '{ name: "%s" data_type: TYPE_FP32 dims: 4 }'
    return "\n".join(
        [
            'platform: "ensemble"\nmax_batch_size: 8',
            *(f"input {tensor % name}" for name in inputs.split()),
            *(f"output {tensor % name}" for name in outputs.split()),
            f"ensemble_scheduling {{ {' '.join(f'step {{ {step} }}' for step in steps)} }}",
        ]
    )


def step(model: str, reads: str, writes: str, version: int | None = -1) -> str:
    """Return a step; ``reads`` and ``writes`` are ``model_tensor=ensemble_tensor`` words."""
    maps = [
        f'{kind} {{ key: "{pair.split("=")[0]}" value: "{pair.split("=")[1]}" }}'
        for kind, pairs in (("input_map", reads), ("output_map", writes))
        for pair in pairs.split()
    ]
    said = "" if version is None else f"model_version: {version}"
    return f'model_name: "{model}" {said} {" ".join(maps)}'


def test_a_complete_onnx_model_is_said_by_its_file(bring: Import) -> None:
    config = """
    name: "m" backend: "onnxruntime" max_batch_size: 4 dynamic_batching { }
    input { name: "x" data_type: TYPE_FP32 dims: 4 }
    output { name: "y" data_type: TYPE_FP32 dims: 4 }
    """
    imported = bring({"m/config.pbtxt": config, "m/1/model.onnx": ONNX})
    assert imported.body("m") == "  m: model_repository/m/1/model.onnx"


def test_a_batch_size_that_is_no_default_is_said_and_the_tensors_are_not(bring: Import) -> None:
    config = """
    platform: "onnxruntime_onnx" max_batch_size: 16
    input { name: "x" data_type: TYPE_FP32 dims: [ 4 ] }
    output { name: "y" data_type: TYPE_FP32 dims: [ 4 ] }
    """
    imported = bring({"m/config.pbtxt": config, "m/1/model.onnx": ONNX})
    assert imported.body("m").splitlines()[1:] == [
        "    source: model_repository/m/1/model.onnx",
        "    platform: onnxruntime_onnx",
        "    max_batch_size: 16",
    ]


def test_a_file_that_could_batch_and_does_not_is_said_with_a_zero(bring: Import) -> None:
    config = """
    backend: "onnxruntime"
    input { name: "x" data_type: TYPE_FP32 dims: [ -1, 4 ] }
    output { name: "y" data_type: TYPE_FP32 dims: [ -1, 4 ] }
    """
    imported = bring({"m/config.pbtxt": config, "m/1/model.onnx": ONNX})
    assert imported.body("m").splitlines()[1:] == [
        "    source: model_repository/m/1/model.onnx",
        "    max_batch_size: 0",
    ]


def test_tensors_in_another_order_than_the_file_has_them_are_said_by_name(bring: Import) -> None:
    node = onnx_models.helper.make_node("Add", ["a", "b"], ["y"])
    value = onnx_models.value
    ends = [value("a", ["N", 4]), value("b", ["N", 4])], [value("y", ["N", 4])]
    config = """
    backend: "onnxruntime" max_batch_size: 8
    input [ { name: "b" data_type: TYPE_FP32 dims: 4 }, { name: "a" data_type: TYPE_FP32 dims: 4 } ]
    output { name: "y" data_type: TYPE_FP32 dims: 4 }
    """
    model = onnx_models.model([node], *ends).SerializeToString()
    imported = bring({"m/config.pbtxt": config, "m/1/model.onnx": model})
    assert "    input: [b, a]" in imported.body("m")
    assert "output" not in imported.body("m")


# 1. Presence of empty messages.


@pytest.mark.parametrize(
    "more",
    [
        "dynamic_batching { }",
        "version_policy { all { } }",
        "version_policy { latest { } }",
        "version_policy { }",
        "model_transaction_policy { decoupled: false }",
        "model_transaction_policy { }",
        "sequence_batching { oldest { } }",
        "sequence_batching { direct { } }",
        "sequence_batching { }",
        "optimization { }",
        "optimization { input_pinned_memory { } }",
        "optimization { cuda { } }",
        "instance_group { }",
        "instance_group [ { }, { } ]",
        "response_cache { }",
        'parameters { key: "empty" value { } }',
        'metric_tags { key: "team" value: "" }',
        "model_warmup { }",
        "model_repository_agents { }",
    ],
)
def test_an_empty_message_stays_one(bring: Import, more: str) -> None:
    bring(python("m", more))


def test_an_empty_reshape_is_said_in_the_short_form(bring: Import) -> None:
    more = 'input { name: "end_id" data_type: TYPE_INT32 dims: 1 reshape { } optional: true }'
    imported = bring(python("m", more))
    assert "      end_id: INT32[1] optional reshape[]" in imported.body("m")


def test_a_zero_that_was_written_equals_nothing(bring: Import) -> None:
    config = PYTHON_CONFIG.replace("max_batch_size: 8", "max_batch_size: 0")
    imported = bring({"m/config.pbtxt": config, "m/1/model.py": WRITES_PYTHON})
    assert "max_batch_size" not in imported.body("m")


# 2. Lists, not maps.


def test_tensors_of_one_name_are_a_list(bring: Import) -> None:
    more = 'output { name: "y" data_type: TYPE_FP32 dims: 4 }'
    imported = bring(python("m", more))
    assert imported.body("m").count("      - y: FP32[4]") == 2
    assert "TG110" in imported.body("m")


def test_a_model_may_be_several_steps(bring: Import) -> None:
    steps = [step("a", f"x=t{n}", f"y=t{n + 1}") for n in range(6)]
    config = chain(*steps, inputs="t0", outputs="t6")
    imported = bring({**python("a"), "e/config.pbtxt": config, "e/1/": ""})
    assert imported.body("e").count("model: a") == 6


# 3. Names.

ODD = ["308", "537", "y", "n", "Errors?", "Merchant City", "a/b:0", "null", "~", "- x", "a: b",
       "a #b", "'", '"', "{", "${x}", "<<", "\\", "\u00e9", "tab\there", "=",
       "!x", "0.90", "no"]  # fmt: skip


def test_tensors_may_be_called_anything(bring: Import) -> None:
    tensors = "\n".join(
        f"input {{ name: {_quoted(name)} data_type: TYPE_FP32 dims: 1 }}" for name in ODD
    )
    bring(python("m", tensors))


def test_ensemble_tensors_may_be_called_anything(bring: Import) -> None:
    for_step = " ".join(
        f"input_map {{ key: {_quoted(name)} value: {_quoted(name + '!')} }}" for name in ODD
    )
    tensors = [f"input {{ name: {_quoted(n)} data_type: TYPE_FP32 dims: 4 }}" for n in ODD]
    wired = [f"input {{ name: {_quoted(n + '!')} data_type: TYPE_FP32 dims: 4 }}" for n in ODD]
    config = (
        'platform: "ensemble" max_batch_size: 8 ' + " ".join(wired) + ' output { name: "y" '
        'data_type: TYPE_FP32 dims: 4 } ensemble_scheduling { step { model_name: "a" '
        f'model_version: -1 {for_step} output_map {{ key: "y" value: "y" }} }} }}'
    )
    model = python("a")
    model["a/config.pbtxt"] = (
        'backend: "python" max_batch_size: 8 output { name: "y" data_type: TYPE_FP32 dims: 4 }'
        + " ".join(tensors)
    )
    bring({**model, "e/config.pbtxt": config, "e/1/": ""})


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{escaped}"'


def test_folders_may_have_dots_and_dashes(bring: Import) -> None:
    imported = bring({**python("yolo-v8.fp16"), **python("1"), **python("no")})
    assert set(imported.spec.models) == {"yolo-v8.fp16", "1", "no"}


def test_the_folder_is_the_name_whatever_the_configuration_says(bring: Import) -> None:
    imported = bring(python("folder", 'name: "other"'))
    assert imported.told == [
        "folder/config.pbtxt:1 TG073 the model in `folder` calls itself `other`"
    ]


def test_a_folder_that_no_model_can_be_called_is_told(bring: Import) -> None:
    imported = bring({**python("good"), **python("my model")})
    assert imported.adopted.left_out == ("my model",)
    assert imported.told == ["my model:1 TG074 `my model` cannot be the name of a model"]


# 4. Parameters are text.


def test_parameters_hold_any_text(bring: Import) -> None:
    texts = {
        "number": "0.90", "flag": "true", "yes": "yes", "none": "None", "null": "null",
        "empty": "", "json": '{\\"a\\": [1, 2]}', "var": "${var}", "dollars": "$$VAR",
        "escaped": "$${x}", "directory": "$$TRITON_MODEL_DIRECTORY", "lines": "a\\n  b\\n",
        "blank": " x ", "odd lines": "\\n\\n x\\ny \\n\\n", "bell": "\\007",
        "MD5:1/model.onnx": "d4",
        "astral": "\U0001f600", "line separator": "\u2028", "script": "if x:\\n    y\\nend\\n",
    }  # fmt: skip
    more = "\n".join(
        f'parameters {{ key: "{key}" value: {{ string_value: "{value}" }} }}'
        for key, value in texts.items()
    )
    imported = bring(python("m", more))
    assert imported.config("m").parameters["var"].string_value == "${var}"
    assert [line.split(" TG")[1] for line in imported.told] == [
        "071 the placeholder `${var}` stands in a text, and is kept as it is",
    ]


# 5. Little is mandatory.


def test_a_model_without_backend_is_left_to_triton(bring: Import) -> None:
    config = """
    max_batch_size: 2
    input { name: "x" data_type: TYPE_FP32 dims: 4 }
    output { name: "y" data_type: TYPE_FP32 dims: 4 }
    """
    imported = bring({"m/config.pbtxt": config, "m/1/model.onnx": ONNX})
    assert (
        "    complete: false  # its config.pbtxt names no backend: Triton tells it from the files"
        in imported.body("m")
    )


def test_backend_and_platform_are_both_kept(bring: Import) -> None:
    config = PLAN_CONFIG + 'backend: "onnxruntime"'
    imported = bring({"m/config.pbtxt": config, "m/1/model.onnx": ONNX})
    assert imported.config("m").platform == "tensorrt_plan"


@pytest.mark.parametrize("config", ["", "# nothing\n", 'name: "m"\n', "max_batch_size: 0"])
@pytest.mark.parametrize("file", ["model.onnx", "model.plan", "model.pt", "model.py", "odd.bin"])
def test_an_empty_configuration_stays_empty(bring: Import, config: str, file: str) -> None:
    content = {"model.onnx": ONNX, "model.py": WRITES_PYTHON}.get(file, b"bytes")
    bring({"m/config.pbtxt": config, f"m/1/{file}": content})


def test_a_folder_without_configuration_is_a_model_that_triton_completes(bring: Import) -> None:
    imported = bring({"m/1/model.onnx": ONNX})
    assert imported.body("m").splitlines()[1:] == [
        "    source: model_repository/m/1/model.onnx",
        "    complete: false  # it has no config.pbtxt: Triton completes it",
    ]


@pytest.mark.parametrize("section", ["input", "output"])
def test_half_of_the_tensors_stay_half(bring: Import, section: str) -> None:
    config = f"""
    backend: "onnxruntime"
    {section} {{ name: "{"x" if section == "input" else "y"}" data_type: TYPE_FP32 dims: [-1, 4] }}
    """
    bring({"m/config.pbtxt": config, "m/1/model.onnx": ONNX})


def test_an_instance_group_needs_no_count(bring: Import) -> None:
    imported = bring(python("m", "instance_group { kind: KIND_CPU }"))
    assert "    instance_group: {kind: cpu}" in imported.body("m")


# 6. Ensembles.


def test_a_chain_that_agrees_in_names_is_a_list_of_names(bring: Import) -> None:
    b = PYTHON_CONFIG.replace('"x"', '"y"').replace('output { name: "y"', 'output { name: "z"')
    config = chain(step("a", "x=x", "y=y"), step("b", "y=y", "z=z"), outputs="z")
    imported = bring(
        {
            **python("a"),
            "b/config.pbtxt": b,
            "b/1/model.py": WRITES_PYTHON,
            "e/config.pbtxt": config,
            "e/1/": "",
        }
    )
    assert imported.body("e").splitlines() == ["  e:", "    steps: [a, b]"]


def test_only_renamed_tensors_are_said(bring: Import) -> None:
    config = chain(step("a", "x=x", "y=t"), step("b", "x=t", "y=y"))
    imported = bring({**python("a"), **python("b"), "e/config.pbtxt": config, "e/1/": ""})
    assert imported.body("e").splitlines()[1:] == [
        "    steps:",
        "      - {model: a, output: {y: t}}",
        "      - {model: b, input: {x: t}}",
    ]


def test_skip_edges_fans_and_joins_stay(bring: Import) -> None:
    join = PYTHON_CONFIG + 'input { name: "z" data_type: TYPE_FP32 dims: 4 }'
    config = chain(
        step("a", "x=x", "y=t"), step("a", "x=t", "y=u"), step("join", "x=t z=u", "y=v"),
        step("join", "x=x z=v", "y=y"),
    )  # fmt: skip
    files = {"join/config.pbtxt": join, "join/1/model.py": WRITES_PYTHON}
    bring({**python("a"), **files, "e/config.pbtxt": config, "e/1/": ""})


def test_an_output_that_nobody_takes_stays_unmapped(bring: Import) -> None:
    more = 'output { name: "spare" data_type: TYPE_FP32 dims: 4 }'
    config = chain(step("a", "x=x", "y=y"))
    imported = bring({**python("a", more), "e/config.pbtxt": config, "e/1/": ""})
    assert "output: [y]" in imported.body("e")


def test_an_optional_input_stays_unmapped_or_mapped(bring: Import) -> None:
    more = 'input { name: "o" data_type: TYPE_FP32 dims: 4 optional: true }'
    optional = chain(step("a", "x=x o=o", "y=y"), inputs="x o").replace(
        '"o" data_type: TYPE_FP32', '"o" optional: true data_type: TYPE_FP32'
    )
    bring(
        {
            **python("a", more),
            "without/config.pbtxt": chain(step("a", "x=x", "y=y")),
            "without/1/": "",
            "with/config.pbtxt": optional,
            "with/1/": "",
        }
    )


def test_inputs_in_another_order_than_the_steps_read_them(bring: Import) -> None:
    join = 'input { name: "z" data_type: TYPE_FP32 dims: 4 }'
    config = chain(step("a", "x=x z=z", "y=y"), inputs="z x")
    imported = bring({**python("a", join), "e/config.pbtxt": config, "e/1/": ""})
    assert "    input: [z, x]" in imported.body("e")


@pytest.mark.parametrize("version", [None, 1, 3])
def test_a_pinned_version_stays(bring: Import, version: int | None) -> None:
    config = chain(step("a", "x=x", "y=y", version=version))
    imported = bring({**python("a"), "e/config.pbtxt": config, "e/1/": ""})
    assert f"version: {version or 0}" in imported.body("e")


def test_a_member_that_is_not_there_is_external(bring: Import) -> None:
    config = chain(step("a", "x=x", "y=t"), step("gone", "x=t", "y=y"))
    imported = bring({**python("a"), "e/config.pbtxt": config, "e/1/": ""})
    assert "  gone: {external: true}  # a member of e that is not here" in imported.text
    assert imported.adopted.external == ("gone",)


def test_a_member_that_could_not_be_read_is_external(bring: Import) -> None:
    config = chain(step("broken", "x=x", "y=y"))
    files = {"broken/config.pbtxt": "inputs {}", "e/config.pbtxt": config, "e/1/": ""}
    imported = bring(files)
    assert imported.adopted.left_out == ("broken",)
    assert imported.told[-1].endswith("TG079 `broken`, a member of `e`, could not be imported")


def test_ensembles_stand_in_ensembles(bring: Import) -> None:
    inner = chain(step("a", "x=x", "y=y"))
    outer = chain(step("inner", "x=x", "y=t"), step("a", "x=t", "y=y"))
    files = {
        "inner/config.pbtxt": inner,
        "inner/1/": "",
        "outer/config.pbtxt": outer,
        "outer/1/": "",
    }
    imported = bring({**python("a"), **files})
    assert "      - {model: inner, output: {y: t}}" in imported.body("outer")


def test_a_decoupled_member_makes_no_difference(bring: Import) -> None:
    config = chain(step("a", "x=x", "y=y"))
    decoupled = "model_transaction_policy { decoupled: true }"
    bring({**python("a", decoupled), "e/config.pbtxt": config + "\n" + decoupled, "e/1/": ""})


@pytest.mark.parametrize(
    "steps",
    [
        [step("a", "x=x", "y=t"), step("a", "x=ghost", "y=y")],
        [step("a", "x=x", "y=y"), step("a", "x=x", "y=y")],
        [step("a", "x=t", "y=u"), step("a", "x=u", "y=t"), step("a", "x=x", "y=y")],
        [step("a", "x=x", "y=x")],
        [step("a", "nope=x", "y=y")],
        [step("e", "x=x", "y=y")],
        [step("a", "x=x", "")],
        [step("a", "", "y=y")],
        [step("a", "x=x", "y=y", version=-2)],
    ],
    ids=["ghost", "twice", "circle", "own input", "no tensor", "itself", "in", "out", "version"],
)
def test_an_ensemble_that_triton_refuses_is_copied_as_it_is(
    bring: Import, steps: list[str]
) -> None:
    bring({**python("a"), "e/config.pbtxt": chain(*steps), "e/1/": ""})


@pytest.mark.parametrize(
    "config",
    [
        'platform: "ensemble"',
        'platform: "ensemble" ensemble_scheduling { }',
        'platform: "ensemble" backend: "python" ' + chain(step("a", "x=x", "y=y")),
        chain(step("a", "x=x", "y=y")).replace('platform: "ensemble"', ""),
        chain(step("a", "x=x", "y=y")) + " instance_group { count: 2 }",
        chain(step("a", "x=x", "y=y")).replace("max_batch_size: 8", "max_batch_size: 64"),
    ],
)
def test_an_odd_ensemble_stays_odd(bring: Import, config: str) -> None:
    bring(
        {
            **python("a"),
            "e/config.pbtxt": config.replace('platform: "ensemble"\n', "", 0),
            "e/1/": "",
        }
    )


def test_files_of_an_ensemble_come_along(bring: Import) -> None:
    files = {"e/config.pbtxt": chain(step("a", "x=x", "y=y")), "e/1/README.md": "empty on purpose"}
    imported = bring({**python("a"), **files, "e/labels.txt": "a\n", "e/3/.gitkeep": ""})
    assert "versions: [1, 3]" in imported.body("e")


# 7. Models that only code calls.


def test_models_that_code_calls_are_named(bring: Import) -> None:
    code = WRITES_PYTHON + "        pb_utils.InferenceRequest(model_name='helper', inputs=[])\n"
    imported = bring({**python("m"), **python("helper"), "m/1/model.py": code})
    assert "    calls: [helper]" in imported.body("m")


# 8. Sequence batching.


def test_states_that_start_with_zeros_say_so(bring: Import) -> None:
    state = """
    sequence_batching {
      max_sequence_idle_microseconds: 5000000
      control_input {
        name: "START" control { kind: CONTROL_SEQUENCE_START fp32_false_true: [0, 1] }
      }
      control_input { name: "ID" control { kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_UINT64 } }
      state {
        input_name: "in" output_name: "out" data_type: TYPE_FP32 dims: [2, 4]
        initial_state { name: "in" data_type: TYPE_FP32 dims: [2, 4] zero_data: true }
      }
      state {
        input_name: "in2" output_name: "out2" data_type: TYPE_FP32 dims: [-1]
        initial_state { name: "first" data_type: TYPE_FP32 dims: [1] data_file: "state" }
      }
      oldest { max_candidate_sequences: 4 }
    }"""
    imported = bring({**python("m", state), "m/initial_state/state": b"\0\0\0\0"})
    assert "initial_state: zero" in imported.body("m")
    assert "{kind: start, fp32_false_true: [0, 1]}" in imported.body("m")


# 11. and 12. Backends and oddities.


@pytest.mark.parametrize("backend", ["armnn_tflite", "dali", "fil", "my.own-backend", "vllm"])
def test_any_backend_is_carried_over(bring: Import, backend: str) -> None:
    config = PYTHON_CONFIG.replace('"python"', f'"{backend}"')
    bring({"m/config.pbtxt": config, "m/1/model.bin": b"x", "m/1/data/more": b"y"})


@pytest.mark.parametrize(
    "more",
    [
        "max_batch_size: 882352",
        'output { name: "big" data_type: TYPE_FP16 dims: 219729 }',
        'output { name: "big" data_type: TYPE_FP16 dims: 9223372036854775807 }',
        'output { name: "z" }',
        "output { }",
        "instance_group [ {count: 1 gpus: [0]}, {gpus: [1]}, {kind: KIND_CPU}, {count: 0} ]",
        "optimization { graph { level: -1 } }",
        "instance_group { passive: true }",
        "sequence_batching { direct { minimum_slot_utilization: 0.1 } }",
    ],
)
def test_an_oddity_stays(bring: Import, more: str) -> None:
    config = (
        PYTHON_CONFIG if "max_batch" not in more else PYTHON_CONFIG.replace("max_batch_size: 8", "")
    )
    bring({"m/config.pbtxt": config + more, "m/1/model.py": WRITES_PYTHON})


# 13. Never seen: the descriptor walk in test_any_config.py has them all; the newest need a release.


def test_a_newer_field_asks_for_the_release_that_has_it(bring: Import) -> None:
    config = chain(step("a", "x=x", "y=y")).replace(
        "ensemble_scheduling {", "ensemble_scheduling { max_inflight_requests: 4"
    )
    imported = bring({**python("a"), "e/config.pbtxt": config, "e/1/": ""})
    assert "triton: 25.11" in imported.text
    assert "    max_inflight_requests: 4" in imported.body("e")


# Files and folders.


def test_versions_stay_and_what_triton_ignores_comes_along(bring: Import) -> None:
    files = {f"m/{version}/model.py": WRITES_PYTHON for version in ("3", "10", "v1", "02", "3x")}
    imported = bring({"m/config.pbtxt": PYTHON_CONFIG, **files})
    assert imported.spec.models["m"].versions.keys() == {3, 10}
    assert [line.split(" ")[1] for line in imported.told] == ["TG077"] * 3


@pytest.mark.parametrize("versions", [["1"], ["2"], ["1", "2"], ["0"]])
def test_empty_version_folders_stay(bring: Import, versions: list[str]) -> None:
    imported = bring({"m/config.pbtxt": PYTHON_CONFIG, **{f"m/{v}/": "" for v in versions}})
    for version in versions:
        assert f"model_repository/m/{version}/.gitkeep" in imported.tree.entries


def test_a_model_without_any_version_stays_without(bring: Import) -> None:
    imported = bring({"m/config.pbtxt": PYTHON_CONFIG})
    assert "versions: {}  # it has no version folder" in imported.body("m")


def test_labels_are_a_list_by_output(bring: Import) -> None:
    config = PYTHON_CONFIG.replace("dims: 4 }\n", "dims: 4 }\n").replace(
        'output { name: "y" data_type: TYPE_FP32 dims: 4',
        'output { name: "y" data_type: TYPE_FP32 dims: 2 label_filename: "labels.txt"',
    )
    files = {"m/config.pbtxt": config, "m/1/model.py": WRITES_PYTHON}
    imported = bring({**files, "m/labels.txt": "cat\ndog\n"})
    assert "    labels: {y: model_repository/m/labels.txt}" in imported.body("m")
    assert "      y: FP32[2]" in imported.body("m")


@pytest.mark.parametrize("labels", [b"cat\r\ndog\r\n", b"cat\ndog", b"\xff\xfe", b""])
def test_label_files_that_are_not_plain_are_files(bring: Import, labels: bytes) -> None:
    config = PYTHON_CONFIG.replace(
        'output { name: "y"', 'output { label_filename: "labels.txt" name: "y"'
    )
    bring({"m/config.pbtxt": config, "m/1/model.py": WRITES_PYTHON, "m/labels.txt": labels})


def test_other_files_and_alternatives_come_along(bring: Import) -> None:
    files: dict[str, str | bytes] = {
        "m/configs/gpu.pbtxt": PYTHON_CONFIG,
        "m/configs/cpu.pbtxt": "broken",
        "m/README.md": "read me",
        "m/warmup/raw": b"\0",
        "m/1/utils/__init__.py": "",
        "m/1/odd name ${x} \u00e9.bin": b"x",
        "m/conda env.tar.gz": b"x",
        "m/__pycache__/x.pyc": b"x",
    }
    imported = bring({**python("m"), **files})
    assert "      configs: model_repository/m/configs" in imported.body("m")


def test_links_are_followed(bring: Import, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "model.py").write_text(WRITES_PYTHON)
    folder = tmp_path / "zoo" / "model_repository" / "m"
    folder.mkdir(parents=True)
    (folder / "1").symlink_to(tmp_path / "weights")
    (folder / "spare").symlink_to(tmp_path / "weights" / "model.py")
    (folder.parent / "alias").symlink_to(folder)
    imported = bring({"m/config.pbtxt": PYTHON_CONFIG})
    assert set(imported.spec.models) == {"m", "alias"}


def test_what_cannot_be_carried_over_is_told(bring: Import, tmp_path: Path) -> None:
    folder = tmp_path / "zoo" / "model_repository" / "m"
    (folder / "1").mkdir(parents=True)
    (folder / "1" / "gone").symlink_to("nowhere")
    (folder / "around").symlink_to(folder)
    os.mkfifo(folder / "pipe")
    (folder / "back\\slash").write_text("x")
    imported = bring(python("m"), but_for=("m/around", "m/back"))
    assert [line.split(" ", 2)[2] for line in imported.told] == [
        "`m/1/gone` is a link to nothing, and is left out",
        "`m/around` is a link to a folder above it, and is left out",
        "`m/back\\slash` has a name that a spec can't hold, and is left out",
        "`m/pipe` is neither a file nor a folder, and is left out",
    ]


def test_damaged_model_files_are_placed_unread(bring: Import) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"
    config = PLAN_CONFIG.replace("tensorrt_plan", "onnxruntime_onnx")
    imported = bring({"m/config.pbtxt": config, "m/1/model.onnx": pointer})
    assert "placed unread" in imported.body("m")
    assert "Git LFS pointer" in imported.body("m")


@pytest.mark.parametrize("code", ["def (", "x = 1", "class TritonPythonModel: pass", "\0"])
def test_python_that_is_none_comes_along(bring: Import, code: str) -> None:
    bring({"m/config.pbtxt": PYTHON_CONFIG, "m/1/model.py": code})


def test_a_model_under_another_file_name_stays(bring: Import) -> None:
    config = PLAN_CONFIG.replace("tensorrt_plan", "onnxruntime_onnx")
    named = config + 'default_model_filename: "net.onnx"'
    imported = bring(
        {
            "named/config.pbtxt": named,
            "named/1/net.onnx": ONNX,
            "lost/config.pbtxt": config,
            "lost/1/net.onnx": ONNX,
        }
    )
    assert "source: model_repository/named/1/net.onnx" in imported.body("named")


def test_folders_that_are_no_models_are_told_and_left(bring: Import) -> None:
    imported = bring({**python("m"), "docs/readme.txt": "x", "file.txt": "x", ".git/config": "x"})
    assert imported.told == [
        "docs:1 TG072 `docs` is no model: neither config.pbtxt nor a version folder"
    ]
