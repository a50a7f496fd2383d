"""Every backend keeps the contract of its table."""

import inspect
from importlib import import_module
from pkgutil import iter_modules

import pytest

from tritongen.errors import SpecError
from tritongen.parts import backends
from tritongen.stages.probe.mistakes import TABLE as CODES

MODULES = {
    name: import_module(f"{backends.__name__}.{name}")
    for _, name, _ in iter_modules(backends.__path__)
    if not name.startswith("_")
}


@pytest.mark.parametrize("name", MODULES)
def test_every_module_is_in_the_table_under_its_own_name(name):
    assert backends.TABLE.get(name) is MODULES[name], f"{name}.py has no line in TABLE"


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is_and_has_what_the_protocol_asks(name):
    backend = MODULES[name]
    assert backend.__doc__
    assert backend.SUFFIX.startswith(".")
    assert f"model{backend.SUFFIX}" == backend.DEFAULT_FILE
    found = inspect.signature(backend.inspect).parameters
    assert list(found) == list(inspect.signature(backends.Backend.inspect).parameters)[1:]


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("content", [b"", b"\0\xff" * 50, b"<html></html>", b"{}"])
def test_a_file_of_something_else_is_refused_with_a_known_code(name, content, tmp_path):
    file = tmp_path / f"m{MODULES[name].SUFFIX}"
    file.write_bytes(content)
    with pytest.raises(SpecError) as error:
        MODULES[name].inspect(file, "m")
    assert {finding.code for finding in error.value.findings} <= set(CODES)


def test_suffixes_are_unambiguous():
    suffixes = [backend.SUFFIX for backend in backends.TABLE.values()]
    assert len(suffixes) == len(set(suffixes))


def test_platforms_and_default_files_name_the_same_backends():
    known = set(backends.DEFAULT_FILES)
    assert all(backends.PLATFORMS[name] in known for name in backends.PLATFORMS)
