"""Every field of ``model_config.proto``, at every depth, from the spec to ``config.pbtxt``.

The walk follows the descriptor of the installed ``tritonclient``, so that a field which a newer
one brings is a test of its own. A field is said alone, by its own name, in YAML; what is rendered
is parsed by protobuf and compared with the message in which that field was set alone: presence of
messages and of members of a oneof included, lists in order.
"""

import functools
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import text_format
from google.protobuf.descriptor import FieldDescriptor as Kind
from google.protobuf.message import Message
from tritonclient.grpc.model_config_pb2 import ModelConfig

from tritongen.records.facts import Facts, ModelFacts, TensorFacts
from tritongen.stages.load import load
from tritongen.stages.render import render
from tritongen.stages.resolve import resolve

Chain = tuple[Any, ...]
"""The descriptors of the fields from ``ModelConfig`` down to one."""

INTEGERS = {
    Kind.TYPE_INT32: (-(2**31), 2**31 - 1),
    Kind.TYPE_INT64: (-(2**63), 2**63 - 1),
    Kind.TYPE_UINT32: (0, 2**32 - 1),
    Kind.TYPE_UINT64: (0, 2**64 - 1),
}
TEXTS = ("308", "no", "", 'a: "b"\\n', "x\ny", "$$ä/名:0")
FLOAT = struct.unpack("<f", struct.pack("<f", 0.1))[0]
TENSORS = {"input", "output"}
FP32_4 = {"data_type": "TYPE_FP32", "dims": [4]}
KNOWN = {"name", *FP32_4}
"""What a tensor of an ensemble says in every case; the walk of the models proves these."""
NOT_SAID_HERE = {"name"}
"""A model's name is the key of its entry."""


def walk(descriptor: Any, above: Chain = ()) -> Iterator[Chain]:
    for field in descriptor.fields:
        chain = (*above, field)
        yield chain
        inner = value_type(field)
        if inner is not None:
            yield from walk(inner, chain)


def is_map(field: Any) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def value_type(field: Any) -> Any:
    """Return the message that a field, or a value of its map, is."""
    return (
        field.message_type.fields_by_name["value"].message_type
        if is_map(field)
        else field.message_type
    )


def samples(field: Any) -> list[Any]:
    """Return values of one scalar, the limits among them."""
    if field.type in INTEGERS:
        return [*INTEGERS[field.type], 0, 1]
    if field.type == Kind.TYPE_ENUM:
        return [value.name for value in field.enum_type.values if value.name != "TYPE_INVALID"]
    if field.type == Kind.TYPE_BOOL:
        return [True, False]
    return {
        Kind.TYPE_STRING: list(TEXTS),
        Kind.TYPE_FLOAT: [FLOAT, 0.0],
        Kind.TYPE_DOUBLE: [1e300, 0.1],
    }[field.type]


def values(field: Any) -> list[Any]:
    """Return what a field is set to, one after the other: as in YAML, and as in protobuf's JSON."""
    if is_map(field):
        key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
        content = [{}] if value.message_type is not None else samples(value)
        return [dict.fromkeys(samples(key), each) for each in content]
    if field.message_type is not None:
        return [[{}], [{}, {}]] if field.is_repeated else [{}]
    if field.is_repeated:
        several = samples(field)
        return [several, several[::-1], several[:1]]
    return samples(field)


def said(chain: Chain, value: Any) -> dict[str, Any]:
    """Return the spec of an entry in which the last field of ``chain`` is said, and no other."""
    for above, field in reversed([*pairwise(chain)]):
        value = around(above, {field.name: value})
    if chain[0].name in TENSORS:  # the spec wants to know of which tensor it speaks
        value = [{"name": "x", **item} for item in value]
    return {chain[0].name: value}


def around(field: Any, inner: dict[str, Any]) -> Any:
    if is_map(field):
        return dict.fromkeys(samples(field.message_type.fields_by_name["key"])[:2], inner)
    return [inner] if field.is_repeated else inner


def put(message: Message, chain: Chain, value: Any) -> None:
    """Set the last field of ``chain`` in ``message``, without anything of ours."""
    field, *rest = chain
    target = getattr(message, field.name) if field.is_repeated or field.message_type else None
    if rest:
        for inner in targets(message, field, target):
            put(inner, tuple(rest), value)
    elif is_map(field):
        for key, content in value.items():
            if content == {}:
                target[key].SetInParent()
            else:
                target[key] = content
    elif field.message_type is not None:
        for _ in value if field.is_repeated else ():
            target.add()
        if not field.is_repeated:
            target.SetInParent()
    elif field.is_repeated:
        target.extend(map(functools.partial(number, field), value))
    else:
        setattr(message, field.name, number(field, value))


def targets(message: Message, field: Any, target: Any) -> list[Message]:
    if is_map(field):
        return [target[key] for key in samples(field.message_type.fields_by_name["key"])[:2]]
    return [target.add()] if field.is_repeated else [target]


def number(field: Any, value: Any) -> Any:
    return field.enum_type.values_by_name[value].number if field.enum_type else value


def rendered(entries: dict[str, Any], facts: Facts, folder: Path, name: str = "m") -> ModelConfig:
    path = folder / "spec.yaml"
    path.write_text(yaml.safe_dump({"name": "test", **entries}, allow_unicode=True), "utf-8")
    tree = render(resolve(load([path], {}), facts))
    text = tree.entries[f"model_repository/{name}/config.pbtxt"].text  # type: ignore[union-attr]
    return text_format.Parse(text, ModelConfig())


def name_of(chain: Chain) -> str:
    return ".".join(field.name for field in chain)


CHAINS = [chain for chain in walk(ModelConfig.DESCRIPTOR) if chain[0].name not in NOT_SAID_HERE]
CUSTOM = Facts(models={"m": {1: ModelFacts(backend="custom", files={})}})


@pytest.mark.parametrize("chain", CHAINS, ids=name_of)
def test_a_field_said_in_a_model_reaches_its_configuration(chain: Chain, tmp_path: Path) -> None:
    for value in values(chain[-1]):
        expected = ModelConfig(name="m")
        put(expected, chain, value)
        for tensor in (*expected.input, *expected.output):
            tensor.name = tensor.name if chain[-1].name == "name" else "x"
        if not expected.backend and not expected.platform:
            expected.backend = "custom"
        entry = {"source": "none", **said(chain, value)}
        assert rendered({"models": {"m": entry}}, CUSTOM, tmp_path) == expected, value


def single_messages() -> list[Chain]:
    return [chain for chain in CHAINS if chain[-1].message_type and not chain[-1].is_repeated]


@pytest.mark.parametrize("chain", single_messages(), ids=name_of)
def test_a_message_said_to_be_true_is_there_and_false_is_not(chain: Chain, tmp_path: Path) -> None:
    there, absent = ModelConfig(name="m", backend="custom"), ModelConfig(name="m", backend="custom")
    put(there, chain, {})
    if len(chain) > 1:
        put(absent, chain[:-1], values(chain[-2])[0])
    for tensor in (*there.input, *there.output, *absent.input, *absent.output):
        tensor.name = "x"
    for text, expected in ((True, there), (False, absent)):
        entry = {"source": "none", **said(chain, text)}
        assert rendered({"models": {"m": entry}}, CUSTOM, tmp_path) == expected, text


def repeated() -> list[Chain]:
    return [chain for chain in CHAINS if chain[-1].is_repeated and not is_map(chain[-1])]


@pytest.mark.parametrize("chain", [c for c in repeated() if c[0].name not in TENSORS], ids=name_of)
def test_one_value_is_a_list_of_one(chain: Chain, tmp_path: Path) -> None:
    value = values(chain[-1])[-1][0]
    expected = ModelConfig(name="m", backend="custom")
    put(expected, chain, [value])
    entry = {"source": "none", **said(chain, value)}
    assert rendered({"models": {"m": entry}}, CUSTOM, tmp_path) == expected


BATCHABLE = TensorFacts(name="x", data_type="TYPE_FP32", shape=(-1, 4))
ONNX = ModelFacts(backend="onnxruntime", files={}, inputs=(BATCHABLE,), outputs=(BATCHABLE,))


@pytest.mark.parametrize(
    ("entry", "size", "batcher"),
    [
        ({}, 4, True),
        ({"max_batch_size": 0}, 0, False),
        ({"max_batch_size": 8}, 8, False),
        ({"dynamic_batching": False}, 4, False),
        ({"dynamic_batching": {}}, 4, True),
        ({"sequence_batching": {}}, 0, False),
    ],
)
def test_what_is_said_is_not_decided_again(
    entry: dict[str, Any], size: int, batcher: bool, tmp_path: Path
) -> None:
    facts = Facts(models={"m": {1: ONNX}})
    config = rendered({"models": {"m": {"source": "m.onnx", **entry}}}, facts, tmp_path)
    assert (config.max_batch_size, config.HasField("dynamic_batching")) == (size, batcher)


COMPUTED = {"platform", "backend", "ensemble_scheduling", "model_transaction_policy"}
"""What an ensemble's entry does not say: these follow from its being one, and from its steps."""
SCHEDULERS = {"dynamic_batching", "sequence_batching"}
MEMBER = {"external": True, "input": {"x": "FP32[4]"}, "output": {"y": "FP32[4]"}}
NAMED = {"input": {"name": "x", **FP32_4}, "output": {"name": "y", **FP32_4}}


def in_ensembles() -> list[Chain]:
    without = COMPUTED | SCHEDULERS
    chains = [chain for chain in CHAINS if chain[0].name not in without]
    return [
        c for c in chains if c[0].name not in TENSORS or (len(c) > 1 and c[1].name not in KNOWN)
    ]


@pytest.mark.parametrize("chain", in_ensembles(), ids=name_of)
def test_a_field_said_in_an_ensemble_reaches_its_configuration(
    chain: Chain, tmp_path: Path
) -> None:
    top = chain[0].name
    for value in values(chain[-1]):
        bare = {"steps": ["m"], **({top: [NAMED[top]]} if top in TENSORS else {})}
        expected = rendered(ensemble(bare), Facts(), tmp_path, "e")
        if top in TENSORS:
            put(getattr(expected, top)[0], chain[1:], value)
            entry = {**bare, top: [NAMED[top] | said(chain[1:], value)]}
        else:
            put(expected, chain, value)
            entry = {**bare, **said(chain, value)}
        assert rendered(ensemble(entry), Facts(), tmp_path, "e") == expected, value


def ensemble(entry: dict[str, Any]) -> dict[str, Any]:
    return {"models": {"m": MEMBER}, "ensembles": {"e": entry}}


def test_every_field_of_an_ensembles_scheduling_can_be_said(tmp_path: Path) -> None:
    step = {
        "model": "m",
        "version": 3,
        "namespace": "n",
        "input": {"x": "a/b:0"},
        "output": {"y": "308"},
    }
    entry = {"steps": [step, "m"], "max_inflight_requests": 2**32 - 1}
    config = rendered(ensemble(entry), Facts(), tmp_path, "e").ensemble_scheduling
    first, second = config.step
    assert {name for name, _ in fields(first)} == set(first.DESCRIPTOR.fields_by_name)
    assert {name for name, _ in fields(config)} == set(config.DESCRIPTOR.fields_by_name)
    assert (first.model_name, first.model_version, first.model_namespace) == ("m", 3, "n")
    assert (dict(first.input_map), dict(first.output_map)) == ({"x": "a/b:0"}, {"y": "308"})
    assert (second.model_version, config.max_inflight_requests) == (-1, 2**32 - 1)


def fields(message: Message) -> Iterator[tuple[str, Any]]:
    return ((field.name, value) for field, value in message.ListFields())


def test_the_walk_reaches_every_message_of_the_file() -> None:
    def names(messages: Any) -> Iterator[str]:
        for message in messages:
            if not message.GetOptions().map_entry:
                yield message.full_name
            yield from names(message.nested_types)

    reached = {each.full_name for chain in CHAINS if (each := value_type(chain[-1])) is not None}
    of_the_file = ModelConfig.DESCRIPTOR.file.message_types_by_name.values()
    entries = {"inference.ModelConfig"}
    assert set(names(of_the_file)) - entries == reached
