"""Every backend keeps the contract of its table."""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
from tritonclient.grpc.model_config_pb2 import ModelConfig

from tritongen.errors import SpecError
from tritongen.parts import backends
from tritongen.parts.backends._backend import TEXT
from tritongen.parts.backends._unread import placed, unread
from tritongen.records.release import features
from tritongen.stages.probe.mistakes import TABLE as CODES

MODULES = {
    name: import_module(f"{backends.__name__}.{name}")
    for _, name, _ in iter_modules(backends.__path__)
    if not name.startswith("_")
}
FORMATS = [
    pytest.param(backend, form, id=f"{backend.name}-{form.file}")
    for backend in backends.TABLE.values()
    for form in backend.formats
]
KINDS = {"KIND_CPU", "KIND_GPU", "KIND_MODEL"}


@pytest.mark.parametrize("name", MODULES)
def test_every_module_explains_its_backend_and_is_in_the_table(name: str) -> None:
    assert MODULES[name].__doc__
    assert backends.TABLE[name] is MODULES[name].BACKEND, f"{name}.py has no line in TABLE"


@pytest.mark.parametrize("name", backends.TABLE)
def test_a_backend_speaks_of_what_there_is(name: str) -> None:
    backend = backends.TABLE[name]
    assert backend.kinds
    assert backend.kinds <= KINDS
    assert set(backend.accelerators) <= {"gpu", "cpu"}
    assert not backend.aliases & set(backends.TABLE)
    for values in backend.parameters.values():
        assert values == TEXT or not values.accept("no such value")


@pytest.mark.parametrize(("backend", "form"), FORMATS)
def test_a_format_is_chosen_by_its_file_name(backend: Any, form: Any) -> None:
    assert form.named(form.file)
    assert backend.format(ModelConfig(), [form.file]) is form


@pytest.mark.parametrize(("backend", "form"), FORMATS)
def test_a_format_is_chosen_by_what_it_wants_the_configuration_to_say(
    backend: Any, form: Any
) -> None:
    config = ModelConfig()
    for path, text in backend.settings(form).items():
        backends.set_value(config, path, text)
        assert backends.value(config, path) == text
    if not form.found:
        assert backend.format(config) is form
    if "platform" in form.settings:
        assert backends.find(ModelConfig(platform=form.settings["platform"])) is backend


@pytest.mark.parametrize(("backend", "form"), FORMATS)
@pytest.mark.parametrize(
    "content", [b"", b"\0\xff" * 50, b"<html></html>", b"{}", b"version https://git-lfs"]
)
def test_a_file_of_something_else_is_refused_with_a_known_code(
    backend: Any, form: Any, content: bytes, tmp_path: Path
) -> None:
    if form.inspect is placed or (form.inspect is unread and content[:1] in b"\0{"):
        return  # it is placed as it is: nothing here knows what the backend takes
    file = tmp_path / f"m{Path(form.file).suffix}"
    file.write_bytes(content)
    blind = form.reader or form.inspect.__name__ == "_graph"
    if (blind and content[:1] in (b"\0", b"{")) or (not form.needed and content == b"{}"):
        assert form.inspect(file, "m").inputs is None
        return
    with pytest.raises(SpecError) as error:
        form.inspect(file, "m")
    assert {finding.code for finding in error.value.findings} <= set(CODES)


def test_a_suffix_tells_one_backend() -> None:
    told = [
        suffix
        for backend in backends.TABLE.values()
        for f in backend.formats
        for suffix in f.suffixes
    ]
    assert len(told) == len(set(told))


def test_a_custom_backend_is_known_by_name_and_nothing_about_it() -> None:
    custom = backends.find(ModelConfig(backend="armnn_tflite"))
    assert (custom.name, custom.formats, custom.kinds) == ("armnn_tflite", (), KINDS)


def test_what_a_release_may_lack_of_a_backend_is_known_of_it() -> None:
    for feature in features():
        kind, _, name = feature.field.partition(":")
        backend, _, inner = name.partition(".")
        known = backends.TABLE.get(backend)
        there = {
            "parameter": known and inner in known.parameters,
            "kind": known and inner in known.kinds,
            "platform": name in backends.PLATFORMS,
            "backend": known,
        }
        assert there.get(kind, True), feature.field
