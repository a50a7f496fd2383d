"""Every parameter of a search keeps the contract of its table."""

from importlib import import_module
from pkgutil import iter_modules

import pytest

from tritongen.parts import parameters
from tritongen.parts.parameters import MODEL, SERVER, Known, NotAValueError
from tritongen.records.messages import ModelConfig
from tritongen.records.server import Server

MODULES = {
    name: import_module(f"{parameters.__name__}.{name}")
    for _, name, _ in iter_modules(parameters.__path__)
    if not name.startswith("_")
}
KNOWN = Known(cores=8, gpus=1, rows=2, service_ms={1: 2.0, 8: 9.0}, patience_ms=50, users=64)
SAID = {
    "dynamic_batching.preferred_batch_size": ["2", "4"],
    "instance_group.kind": "gpu",
    "response_cache.enable": "true",
    "response_cache.local.size": "16MiB",
    "parameters.execution_mode": "1",
}


def config() -> ModelConfig:
    made = ModelConfig(name="m", backend="onnxruntime", max_batch_size=8)
    made.dynamic_batching.SetInParent()
    return made


@pytest.mark.parametrize("name", MODULES)
def test_every_module_is_in_a_table_and_says_what_it_is(name: str) -> None:
    assert MODULES[name] in [*MODEL.values(), *SERVER.values()]
    assert MODULES[name].__doc__


@pytest.mark.parametrize("path", MODEL)
def test_what_is_written_is_read_and_writing_it_again_changes_nothing(path: str) -> None:
    parameter = MODEL[path]
    value = parameter.parse(SAID.get(path, "3"))
    assert parameter.wrong(config(), value) == ""
    made = config()
    parameter.write(made, value)
    assert parameter.read(made) == value
    once = made.SerializeToString(deterministic=True)
    parameter.write(made, parameter.read(made))
    assert made.SerializeToString(deterministic=True) == once


@pytest.mark.parametrize("path", MODEL)
def test_what_a_model_has_is_no_change(path: str) -> None:
    made = config()
    MODEL[path].write(made, MODEL[path].read(made))
    again = config()
    if path in ("instance_group.count", "instance_group.kind"):  # it now says what was so anyway
        del made.instance_group[:]
    assert made == again


@pytest.mark.parametrize("path", MODEL)
def test_usual_values_are_in_order_and_possible(path: str) -> None:
    values = list(MODEL[path].usual(config(), KNOWN))
    assert values == sorted(values, key=str if path == "instance_group.kind" else None)
    assert not [value for value in values if MODEL[path].wrong(config(), value)]
    assert len(set(values)) == len(values)


@pytest.mark.parametrize("path", [*MODEL, *SERVER])
def test_what_is_no_value_is_refused(path: str) -> None:
    parse = {**MODEL, **SERVER}[path].parse
    for said in ("many", "-1", ["x"], {"a": "b"}, "9" * 30):
        with pytest.raises(NotAValueError):
            parse(said)


@pytest.mark.parametrize("path", MODEL)
def test_a_model_that_neither_batches_nor_is_known_gets_no_strange_values(path: str) -> None:
    bare = ModelConfig(name="m", backend="custom")
    for value in MODEL[path].usual(bare, KNOWN):
        MODEL[path].write(bare, value)
        assert bare.max_batch_size == 0
        assert not bare.HasField("dynamic_batching")


def test_the_servers_parameters_are_read_back() -> None:
    for path, parameter in SERVER.items():
        value = parameter.parse(SAID[path])
        assert parameter.read(parameter.write(Server(), value)) == value


def test_batches_go_up_to_what_patience_and_users_allow() -> None:
    usual = MODEL["max_batch_size"].usual
    made = config()
    assert list(usual(made, Known())) == [1, 2, 4, 8, 16, 32, 64, 128]
    assert list(usual(made, Known(users=4))) == [1, 2, 4, 8]
    assert list(usual(made, Known(rows=3))) == [4, 8, 16, 32, 64, 128]
    slow = Known(service_ms={1: 10, 16: 90}, patience_ms=50)
    assert list(usual(made, slow)) == [1, 2, 4, 8, 16]


def test_delays_are_shares_of_the_models_own_time() -> None:
    usual = MODEL["dynamic_batching.max_queue_delay_microseconds"].usual
    seen = Known(service_ms={1: 2.0, 8: 8.0}, patience_ms=20)
    assert list(usual(config(), seen)) == [0, 1000, 2000, 4000]


def test_a_compiled_model_does_not_get_larger_batches() -> None:
    made = config()
    made.backend = "tensorrt"
    assert list(MODEL["max_batch_size"].usual(made, Known())) == [1, 2, 4, 8]
    assert "compiled" in MODEL["max_batch_size"].wrong(made, 16)
