"""Values are written into a spec's text, and nothing else in it changes."""

import pytest
import yaml

from tritongen.errors import SpecError
from tritongen.stages.amend import Amendment, amend, overlay

SPEC = """\
# What this is for.
models:
  head:                    # the slow one
    source: head.onnx
    max_batch_size: 4      # enough
    dynamic_batching: {}
    instance_group:
      - {kind: cpu, count: 1}   # one core
  tail:
    source: tail.onnx
    dynamic_batching:
      preferred_batch_size: [4]
    # the end of tail

  short: short.onnx
ensembles: {}
"""


def at(path: str, value: object, why: str = "") -> Amendment:
    return Amendment(path=tuple(path.split(".")), value=value, why=why)


@pytest.mark.parametrize(
    ("path", "value", "before", "after"),
    [
        (
            "models.head.max_batch_size",
            16,
            "max_batch_size: 4      # enough",
            "max_batch_size: 16      # enough",
        ),
        (
            "models.head.dynamic_batching.max_queue_delay_microseconds",
            500,
            "dynamic_batching: {}",
            "dynamic_batching: {max_queue_delay_microseconds: 500}",
        ),
        (
            "models.head.instance_group.count",
            3,
            "- {kind: cpu, count: 1}   # one core",
            "- {kind: cpu, count: 3}   # one core",
        ),
        (
            "models.head.instance_group.kind",
            "gpu",
            "{kind: cpu, count: 1}",
            "{kind: gpu, count: 1}",
        ),
        (
            "models.head.parameters.intra_op_thread_count",
            2,
            "      - {kind: cpu, count: 1}   # one core\n",
            "      - {kind: cpu, count: 1}   # one core\n"
            "    parameters: {intra_op_thread_count: 2}\n",
        ),
        (
            "models.tail.dynamic_batching.preferred_batch_size",
            [8, 16],
            "preferred_batch_size: [4]",
            "preferred_batch_size: [8, 16]",
        ),
        (
            "models.tail.dynamic_batching.max_queue_delay_microseconds",
            100,
            "      preferred_batch_size: [4]\n",
            "      preferred_batch_size: [4]\n      max_queue_delay_microseconds: 100\n",
        ),
        (
            "models.short.max_batch_size",
            8,
            "short: short.onnx",
            "short: {source: short.onnx, max_batch_size: 8}",
        ),
        (
            "server.response_cache.local.size",
            1048576,
            "ensembles: {}\n",
            "ensembles: {}\nserver: {response_cache: {local: {size: 1048576}}}\n",
        ),
        (
            "models.head.response_cache.enable",
            True,
            "      - {kind: cpu, count: 1}   # one core\n",
            "      - {kind: cpu, count: 1}   # one core\n    response_cache: {enable: true}\n",
        ),
    ],
)
def test_only_the_value_changes(path: str, value: object, before: str, after: str) -> None:
    assert before in SPEC
    assert amend(SPEC, [at(path, value)]) == SPEC.replace(before, after, 1)


def test_a_list_over_several_lines_becomes_one() -> None:
    text = "models:\n  a:\n    sizes:\n    - 4\n    - 8\n    max: 1\n"
    assert amend(text, [at("models.a.sizes", [2])]) == (
        "models:\n  a:\n    sizes: [2]\n    max: 1\n"
    )


def test_a_file_without_a_last_line_end_and_one_with_carriage_returns_are_amended() -> None:
    assert amend("models: {a: {b: 1}}", [at("x", 2)]) == "models: {a: {b: 1}}\nx: 2\n"
    text = "\ufeffmodels:\r\n  a:\r\n    b: 1\r\n"
    assert amend(text, [at("models.a.c", 2)]) == f"{text}    c: 2\r\n"


def test_what_others_share_is_refused() -> None:
    text = "x-a: &a {count: 1}\nmodels:\n  m: {group: *a}\n  n: {group: *a}\n"
    with pytest.raises(SpecError, match=r"models\.m\.group\.count can't be changed here"):
        amend(text, [at("models.m.group.count", 2)])


def test_an_overlay_says_only_what_changes_with_its_evidence() -> None:
    text = overlay(
        SPEC,
        [
            at("models.head.max_batch_size", 16, "it was 4; +10% throughput"),
            at("models.head.instance_group.count", 3),
            at("models.tail.dynamic_batching.max_queue_delay_microseconds", 100),
        ],
        "What was found",
    )
    assert yaml.safe_load(text) == {
        "models": {
            "head": {"max_batch_size": 16, "instance_group": [{"kind": "cpu", "count": 3}]},
            "tail": {"dynamic_batching": {"max_queue_delay_microseconds": 100}},
        }
    }
    assert text.startswith(
        "# What was found\n# models.head.max_batch_size: it was 4; +10% throughput\n"
    )
