"""Every place that bytes come from keeps the contract of its table."""

import inspect
from importlib import import_module
from pkgutil import iter_modules

import pytest

from tritongen.errors import SpecError
from tritongen.parts import sources
from tritongen.parts.sources import Search
from tritongen.records.spec import Source

MODULES = {
    name: import_module(f"{sources.__name__}.{name}")
    for _, name, _ in iter_modules(sources.__path__)
    if not name.startswith("_")
}


@pytest.mark.parametrize("name", MODULES)
def test_every_module_is_in_the_table(name):
    assert MODULES[name] in sources.TABLE.values(), f"{name}.py has no line in TABLE"


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is_and_has_the_protocols_function(name):
    assert MODULES[name].__doc__
    found = inspect.signature(MODULES[name].locate).parameters
    assert list(found) == list(inspect.signature(sources.Place.locate).parameters)[1:]


@pytest.mark.parametrize("scheme", sources.TABLE)
def test_what_is_not_there_is_refused_with_a_code_and_no_place(scheme, tmp_path):
    address = f"{scheme}://nowhere_at_all/model.onnx" if scheme else "model.onnx"
    search = Search(base=tmp_path, downloads=tmp_path, fetch=False, progress=lambda *_: None)
    with pytest.raises(SpecError) as error:
        sources.locate(Source(path=address), search)
    (finding,) = error.value.findings
    assert finding.code.startswith("TG05")
    assert finding.place is None
    assert finding.fix


def test_no_scheme_is_both_built_and_planned():
    assert not set(sources.TABLE) & set(sources.PLANNED)
