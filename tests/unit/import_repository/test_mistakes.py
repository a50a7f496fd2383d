"""Configurations that do not parse: every mistake is named at its place, with what was meant."""

from pathlib import Path

import pytest

from tritongen.stages.adopt.repairs import mistakes

CASES = {
    "inputs { }": ["1:1 TG070 ModelConfig has no field `inputs`: write input"],
    "input { data_type: TYPE_FLOAT32 }\noutput { data_type: TYPE_BYTES }": [
        "1:20 TG070 `TYPE_FLOAT32` is no data type of Triton: write TYPE_FP32",
        "2:21 TG070 `TYPE_BYTES` is no data type of Triton: write TYPE_STRING",
    ],
    'input { data_type: "TYPE_FP32" }': [
        '1:20 TG070 `"TYPE_FP32"` is no data type of Triton: write TYPE_FP32 without quotes'
    ],
    "input [ {} {} ]": ["1:12 TG070 a comma is missing before `{`: write `,` before it"],
    "input [ {}, ]": ["1:13 TG070 a comma stands before `]`: remove the comma"],
    "max_batch_size:\ninput { }": [
        "1:1 TG070 `max_batch_size` has no value: write its value, or remove the line"
    ],
    'name: "m"\nplatform: onnxruntime_onnx': [
        '2:11 TG070 `onnxruntime_onnx` is text, and has no quotes: write "onnxruntime_onnx"'
    ],
    'name: "m\nmax_batch_size: 8': [
        '1:7 TG070 the quote that opens at `"m` is never closed: write "m"'
    ],
    "input { reshape: {[1,-1]} }": [
        "1:20 TG070 reshape is a message, found `[1,-1]`: write reshape: {shape: [1,-1]}"
    ],
    "version: 1": [
        "1:1 TG070 ModelConfig has no field `version`: remove it: the version is the folder's "
        "name, `version_policy` chooses"
    ],
    "count: 1": ["1:1 TG070 ModelConfig has no field `count`: move it into instance_group"],
    "instance_group { kind: KIND_GPUS }": [
        "1:24 TG070 `KIND_GPUS` is no kind of Triton: write KIND_GPU"
    ],
    "dynamic_batching: true": [
        "1:19 TG070 `dynamic_batching` is a message, found `true`: "
        "write dynamic_batching {} with its fields inside"
    ],
    'parameters { key: "a" value: { string_value: 5 } }': [
        '1:46 TG070 `5` is text, and has no quotes: write "5"'
    ],
    'parameters { key: "a" value: "b" }': [
        '1:30 TG070 a parameter\'s value is a message: write value: {string_value: "b"}'
    ],
    "name = 'm'": ["1:6 TG070 `=` stands between a field and its value: write `:`"],
    "input {\n  dims: [1]": ["2:11 TG070 a `}` is missing at the end: close the bracket: `}`"],
    "max_batch_size: 1 }": ["1:19 TG070 there is a `}` too much: remove it"],
    "max_batch_size: 1\nmax_batch_size: 2": [
        "2:1 TG070 `max_batch_size` is said twice: remove one of the two"
    ],
    '{"name": "m"}': [
        "1:1 TG070 this is JSON; config.pbtxt is protobuf's text format: "
        'write `name: "m"`, not `{"name": "m"}`'
    ],
    "\ufeffmax_batch_size: 1": [
        "1:1 TG070 the file begins with a byte order mark, which Triton's parser refuses: "
        "save it as UTF-8 without one"
    ],
    r'name: "a\d"': [r"1:9 TG070 `\d` is no escape that protobuf knows: write \\d for a backslash"],
}
FILL = "fill the template in as its own scripts do, then import the result"
TEMPLATES = {
    'max_batch_size: ${size}\nname: "${name}"\ninput { dims: [ ${d} ] }': [
        "1:17 `${size}`",
        "3:17 `${d}`",
    ],
    "max_batch_size: MAX_BATCH": ["1:17 `MAX_BATCH`"],
    "input { data_type: TYPE_#DTYPE\n dims: 1 }": ["1:20 `TYPE_#DTYPE`"],
    "{% if gpu %}\nmax_batch_size: {{ n }}\n{% endif %}": [
        "1:1 `{% if gpu %}`",
        "2:17 `{{ n }}`",
        "3:1 `{% endif %}`",
    ],
    "max_batch_size: <BATCH>": ["1:17 `<BATCH>`"],
    "input [\n {% for i in inputs %}\n { data_type: {{ i.type }} }{{ comma }}\n {% endfor %}\n]": [
        "2:2 `{% for i in inputs %}`",
        "3:15 `{{ i.type }}`",
        "3:29 `{{ comma }}`",
        "4:2 `{% endfor %}`",
    ],
    "instance_group { kind: KIND_{{ kind }} }": ["1:24 `KIND_{{ kind }}`"],
}


@pytest.mark.parametrize("text", CASES)
def test_a_mistake_is_named_with_its_repair(text: str) -> None:
    found = mistakes(Path("c"), text)
    assert [f"{one.place} {one.code} {one.message}: {one.fix}"[2:] for one in found] == CASES[text]


@pytest.mark.parametrize("text", TEMPLATES)
def test_a_template_is_known_by_its_placeholders(text: str) -> None:
    found = mistakes(Path("c"), text)
    assert [f"{one.place} {one.message.split(' is a placeholder')[0]}"[2:] for one in found] == (
        TEMPLATES[text]
    )
    assert {(one.code, one.fix) for one in found} == {("TG071", FILL)}


def test_mistakes_behind_one_that_nothing_repairs_are_not_made_up() -> None:
    found = mistakes(Path("c"), "\x01\x02\nmax_batch_size: x")
    assert len(found) == 1
    assert "Triton's parser stops" in found[0].message
