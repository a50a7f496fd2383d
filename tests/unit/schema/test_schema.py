"""The schema for editors says what the loader says: every key, and nothing else."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from tritonclient.grpc.model_config_pb2 import ModelConfig

from tritongen.errors import SpecError
from tritongen.records.keys import keys
from tritongen.records.spec import Source
from tritongen.stages.load import KEYS, load
from tritongen.stages.load.compose import compose
from tritongen.stages.load.nodes import Entries, Items, Node
from tritongen.stages.load.report import Report
from tritongen.stages.load.servables import ENSEMBLE_FIELDS, ENSEMBLE_KEYS, MODEL_KEYS, STEP_KEYS
from tritongen.stages.schema import own_keys, schema
from tritongen.stages.schema.records import key_names, walk

ROOT = Path(__file__).parents[3]
VALIDATOR = Draft7Validator(schema())
RECORDS = {
    "Spec": set(KEYS),
    "Source": set(Source.model_fields),
    "Model": set(MODEL_KEYS),
    "Ensemble": set(ENSEMBLE_KEYS),
    "Step": set(STEP_KEYS),
    **{record.__name__: set(key_names(record)) for record in walk()},
}


def as_json(node: Node) -> Any:
    """Return what an editor sees: YAML 1.2's reading of plain scalars."""
    if isinstance(node, Entries):
        return {key: as_json(value) for key, value in node.values.items()}
    if isinstance(node, Items):
        return [as_json(item) for item in node.items]
    if not node.plain:
        return node.text
    if node.text in ("null", "~", ""):
        return None
    if node.text in ("true", "false"):
        return node.text == "true"
    if re.fullmatch(r"[-+]?[0-9]+", node.text):
        return int(node.text)
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", node.text):
        return float(node.text)
    return node.text


def complaints(text: str) -> list[str]:
    root = compose(Report(), text, "spec.yaml")
    assert root is not None
    return [
        f"{error.json_path}: {error.message}"[:200]
        for error in VALIDATOR.iter_errors(as_json(root))
    ]


def specs_of_cases() -> list[Any]:
    found = []
    for path in sorted((ROOT / "tests" / "cases").rglob("*.yaml")):
        if path.parent.name == "spec_errors":
            continue
        data = yaml.safe_load(path.read_text("utf-8"))
        cases = (
            data if isinstance(data, list) else [*data.get("fails", []), *data.get("passes", [])]
        )
        found += [
            pytest.param(case["spec"], id=f"{path.stem}-{number}")
            for number, case in enumerate(cases)
        ]
    written = [ROOT / "spec.yaml", *sorted((ROOT / "tests" / "golden").glob("*/spec.yaml"))]
    return found + [pytest.param(p.read_text("utf-8"), id=p.parent.name) for p in written]


def messages(descriptor: Any, found: dict[str, Any]) -> dict[str, Any]:
    name = descriptor.full_name.removeprefix("inference.")
    if name not in found:
        if not descriptor.GetOptions().map_entry:
            found[name] = descriptor
        for field in descriptor.fields:
            if field.message_type is not None:
                messages(field.message_type, found)
    return found


MESSAGES = messages(ModelConfig.DESCRIPTOR, {})


def test_every_field_of_modelconfig_is_described_and_nothing_else_is() -> None:
    fields = {name: set(m.fields_by_name) for name, m in MESSAGES.items() if m.fields}
    described = {owner: set(said) for owner, said in keys().items() if owner not in RECORDS}
    assert described == fields


def test_every_own_key_is_described_and_nothing_else_is() -> None:
    assert {owner: set(keys()[owner]) for owner in RECORDS} == RECORDS
    in_schema = {owner: set(values) for owner, values in own_keys().items()}
    assert in_schema == {**RECORDS, "Ensemble": RECORDS["Ensemble"]}


def test_a_description_is_one_sentence_or_more() -> None:
    for owner, said in keys().items():
        for name, key in said.items():
            assert key.text[0].isupper() or key.text[0] in "-`9", (owner, name)
            assert key.text.endswith("."), (owner, name)


def test_every_key_of_the_schema_has_a_description() -> None:
    definitions = schema()["definitions"]
    for name, definition in definitions.items():
        for key, value in definition.get("properties", {}).items():
            assert value.get("description"), (name, key)
    assert set(definitions["Ensemble"]["properties"]) == ENSEMBLE_KEYS | ENSEMBLE_FIELDS
    assert set(definitions["Model"]["properties"]) == MODEL_KEYS | set(
        ModelConfig.DESCRIPTOR.fields_by_name
    )


def test_the_schema_is_valid_json_schema_and_the_same_each_time() -> None:
    Draft7Validator.check_schema(schema())
    assert json.dumps(schema()) == json.dumps(schema())


@pytest.mark.parametrize("spec", specs_of_cases())
def test_what_the_loader_accepts_the_schema_accepts(spec: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(spec, "utf-8")
    try:
        load([path], {"N": "4"})
    except SpecError:
        pytest.skip("the loader refuses it")
    assert complaints(spec) == []


def typos() -> list[Any]:
    text = (ROOT / "tests" / "cases" / "spec_errors" / "keys.yaml").read_text("utf-8")
    return [
        pytest.param(case["spec"], id=case["case"])
        for case in yaml.safe_load(text)
        if any(" TG009 " in line for line in case["findings"])
    ]


@pytest.mark.parametrize("spec", typos())
def test_an_unknown_key_that_the_loader_refuses_the_schema_refuses(spec: str) -> None:
    assert complaints(spec)


LOAD = """
models: {m: m.onnx}
slo: {m: {p99: 50ms, error_rate: 0.1%, throughput: 200/s}}
loadtests:
  a: {model: m, arrivals: {closed: 8}, duration: 60s, data: samples/}
  b:
    models: {m: 3, n: {weight: 1, expect: answers}}
    protocol: http
    arrivals: {stages: [{duration: 10s, rate: 5/s, from: 1/s}]}
    data:
      files: [a.jsonl, b.npz]
      inputs: {x: "*.png", y: {range: 0..255, dims: [1..8]}, z: {text: 10..200, present: 50%}}
      rows: 1..8
    slo: {p50: 1ms}
    headers: {authorization: x}
"""


def test_load_tests_and_objectives_are_accepted_and_their_typos_refused() -> None:
    assert complaints(LOAD) == []
    for right in ("p99", "error_rate", "closed", "duration", "weight", "range", "inputs", "from"):
        assert complaints(LOAD.replace(f"{right}:", f"{right}x:", 1)), right
    assert complaints(LOAD.replace("protocol: http", "protocol: htp"))


OPTIONS = """
server:
  response_cache: true
  trace_config: {level: [TIMESTAMPS, TENSORS], triton: {file: t.json}}
  backend_config: {python: {shm-default-byte-size: 1}, default-max-batch-size: 4}
  rate_limit_resource: {R: 1, S: {0: 2}}
  http_restricted_api: {apis: trace, header: k, value: {env: NAME}}
  cuda_memory_pool_byte_size: {0: 64MiB}
  host_policy: {p: {cpu_cores: 0-3}}
  log_format: ISO8601
  http_port: ${PORT:-8000}
  allow_http: false
"""


def test_options_of_the_server_are_accepted_and_wrong_ones_refused() -> None:
    assert complaints(OPTIONS) == []
    for right, wrong in (
        ("log_format: ISO8601", "log_format: json"),
        ("allow_http: false", "allow_http: 2"),
        ("cpu_cores", "cores"),
        ("backend_config", "backendconfig"),
        ("http_port: ${PORT:-8000}", "http_port: 70000"),
    ):
        assert complaints(OPTIONS.replace(right, wrong)), wrong


@pytest.mark.parametrize(
    "entry",
    [
        "instance_group: {kind: KIND_CPUS}",
        "instance_group: {kind: cpus}",
        "input: {x: 'FP33[1]'}",
        "input: {x: 'FP32[1] optionl'}",
        "input: {x: {data_typ: FP32}}",
        "output: {x: 'FP32[1] optional'}",
        "max_batch_size: four",
        "max_batch_size: 1.5",
        "dynamic_batching: {max_queue_delay_microseconds: -1}",
        "dynamic_batching: {}\nsequence_batching: {}",
        "sequence_batching: {direct: {}, oldest: {}}",
        "external: yes please",
        "allow: {TG1: why}",
        "allow: {TG999: why}",
        "versions: {v1: a.onnx}",
        "sequence_batching: {state: {initial_state: zeros}}",
    ],
)
def test_a_wrong_value_is_refused(entry: str) -> None:
    indented = "\n".join(f"    {line}" for line in entry.splitlines())
    assert complaints(f"models:\n  m:\n    source: m.onnx\n{indented}\n")


@pytest.mark.parametrize(
    "entry",
    [
        "instance_group: [{kind: KIND_CPU}, {kind: gpu, gpus: 0}]",
        "input: [x, 308, {y: 'FP32[1]'}, {name: z, data_type: TYPE_FP32, dims: 1}]",
        "input: name",
        "input: {x: 'bytes [ -1, 3 ] optional ragged reshape [ ] nhwc'}",
        "max_batch_size: ${N:-4}",
        "max_batch_size: null",
        "max_batch_size: '4'",
        "parameters: {a: 1, b: true, c: 0.90, d: {string_value: x}, e: null}",
        "dynamic_batching: true\nsequence_batching: false",
        "dynamic_batching: {priority_queue_policy: {1: {timeout_action: delay}}}",
        "version_policy: {all: {}}",
        "sequence_batching: {state: {initial_state: zero, dims: 4}}",
        "calls: other",
        "labels: {y: [cat, 308, no], z: labels.txt}",
        "requirements: [numpy]",
        "<<: {max_batch_size: 4}",
        "allow: {TG101: known}",
    ],
)
def test_every_short_form_is_accepted(entry: str) -> None:
    indented = "\n".join(f"    {line}" for line in entry.splitlines())
    assert complaints(f"models:\n  m:\n    source: m.onnx\n{indented}\n") == []
