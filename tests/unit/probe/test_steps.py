"""Python files are read and never run."""

from textwrap import dedent

import pytest


@pytest.fixture
def step(read, tmp_path):
    """Write a step file and read its function."""

    def _step(text, function="f", name="step.py", **more):
        (tmp_path / name).write_text(dedent(text), "utf-8")
        return read(python=f"{name}:{function}", **more).steps["m"]

    return _step


@pytest.fixture
def wrong(refused, tmp_path):
    """Write a step file that must be refused, and return the finding."""

    def _wrong(text, reference="step.py:f", **more):
        content = dedent(text).encode() if isinstance(text, str) else text
        (tmp_path / "step.py").write_bytes(content)
        (finding,) = refused(python=reference, **more)
        return finding

    return _wrong


def test_parameters_are_read_with_their_defaults(step):
    found = step("""
        import nothing_of_that_name
        raise SystemExit("this must not run")
        def f(a, b=1, *, context, c=None, **inputs): ...
    """)
    assert [(p.name, p.required, p.keyword_only) for p in found.parameters] == [
        ("a", True, False),
        ("b", False, False),
        ("context", True, True),
        ("c", False, True),
    ]
    assert found.takes_any
    assert (found.file, found.function, found.kind) == ("step.py", "f", "function")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("def f(a): return a", "function"),
        ("def f(a):\n  for x in a:\n    yield x", "generator"),
        ("def f(a):\n  x = yield from a\n  return x", "generator"),
        ("async def f(a): return await a", "async"),
        ("async def f(a):\n  yield a", "async generator"),
        ("def f(a):\n  def inner():\n    yield 1\n  return list(inner())", "function"),
        ("def f(a):\n  g = lambda: (yield)\n  return a", "function"),
        ("def f(a):\n  '''yield'''\n  return a", "function"),
    ],
)
def test_kinds_are_told_by_the_functions_own_body(text, kind, step):
    assert step(text).kind == kind


def test_a_function_under_a_condition_counts_and_the_last_one_wins(step):
    found = step("""
        try:
            import fast
            def f(a): ...
        except ImportError:
            def f(b): ...
    """)
    assert [parameter.name for parameter in found.parameters] == ["b"]


def test_a_step_does_not_take_the_runners_name(step):
    assert step("def f(a): ...", name="model.py").file == "step_model.py"


def test_a_file_alone_is_a_model_class(read, wrong, tmp_path):
    (tmp_path / "raw.py").write_text("class TritonPythonModel:\n  def execute(self, r): ...\n")
    found = read(python="raw.py").steps["m"]
    assert (found.file, found.function, found.kind) == ("model.py", None, "class")
    missing = wrong("class Model: ...", "step.py")
    assert missing.code == "TG065"
    assert "python: " in missing.fix
    lacking = wrong("\nclass TritonPythonModel:\n  def run(self): ...", "step.py")
    assert "no method execute" in lacking.message
    assert (lacking.place.line, lacking.place.column) == (2, 1)


@pytest.mark.parametrize(
    "text",
    [
        "from shared import TritonPythonModel",
        "import shared\nTritonPythonModel = shared.Model",
        "from shared import *",
        "class TritonPythonModel(Shared): ...",
        "if True:\n  class TritonPythonModel:\n    execute = print",
    ],
)
def test_a_model_class_from_elsewhere_is_taken_as_it_is(text, read, tmp_path):
    (tmp_path / "raw.py").write_text(text)
    assert read(python="raw.py").steps["m"].kind == "class"


def test_a_syntax_error_has_its_place_in_the_step(wrong, tmp_path):
    finding = wrong("def f(a):\n    return a +\n")
    assert finding.code == "TG061"
    assert (finding.place.file, finding.place.line) == (str(tmp_path / "step.py"), 2)


@pytest.mark.parametrize(
    "content",
    [
        b"def f(a): return '\xff'",
        b"# coding: nonsense\ndef f(a): ...",
        b"def f(a): ...\0",
        b"x = " + b"(" * 5000 + b")" * 5000,
        b"x = " + b"-" * 200_000 + b"1",
    ],
)
def test_what_is_no_python_is_a_finding_and_never_another_exception(content, wrong):
    assert wrong(content).code == "TG061"


def test_syntax_that_the_releases_python_lacks_is_refused(wrong, read):
    text = "def f(a):\n  try: ...\n  except* ValueError: ...\n"
    assert wrong(text, triton="24.10").code == "TG061"
    assert read(python="step.py:f", triton="24.12").steps["m"].kind == "function"


def test_other_encodings_become_utf_8_and_say_so(read, tmp_path):
    text = "#!/usr/bin/env python\n# -*- coding: latin-1 -*-\ndef f(a): return 'é'\n"
    (tmp_path / "step.py").write_bytes(text.encode("latin-1"))
    found = read(python="step.py:f").steps["m"].text
    assert found == text.replace("latin-1", "utf-8")
    (tmp_path / "step.py").write_bytes(b"\xef\xbb\xbfdef f(a): ...\r\n")
    assert read(python="step.py:f").steps["m"].text == "def f(a): ...\r\n"


def test_a_warning_of_the_compiler_is_no_problem_of_ours(step):
    assert step(r"def f(a): return '\d'").kind == "function"


def test_a_missing_function_gets_a_suggestion_or_the_list(wrong):
    near = wrong("def feature(a): ...", "step.py:features")
    assert near.code == "TG062"
    assert "did you mean 'feature'?" in near.message
    far = wrong("def load(a): ...\ndef save(a): ...", "step.py:features")
    assert "it has load, save" in far.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("class f: ...", "is a class"),
        ("f = lambda a: a", "imported or assigned"),
        ("from shared import f", "imported or assigned"),
        ("class A:\n  def f(self): ...", "inside a class or another function"),
        ("def outer():\n  def f(a): ...", "inside a class or another function"),
    ],
)
def test_what_is_no_function_of_the_file_is_said(text, said, wrong):
    finding = wrong(text)
    assert finding.code == "TG063"
    assert said in finding.message


@pytest.mark.parametrize("parameters", ["a, /, b", "*inputs"])
def test_inputs_are_handed_in_by_name(parameters, wrong):
    finding = wrong(f"def f({parameters}): ...")
    assert finding.code == "TG064"
    assert finding.place.line == 1


def test_a_missing_step_file_is_named_with_the_nearest_one(wrong, refused):
    wrong("class f: ...")
    (finding,) = refused(python="stp.py:f")
    assert "did you mean 'step.py'?" in finding.message


def test_local_modules_come_along_with_what_they_import(step, tmp_path):
    (tmp_path / "shapes.py").write_text("from geometry.circle import area\n")
    geometry = tmp_path / "geometry"
    geometry.mkdir()
    (geometry / "__init__.py").write_text("")
    (geometry / "circle.py").write_text("from . import constants\nfrom .constants import PI\n")
    (geometry / "constants.py").write_text("PI = 3\n")
    (geometry / "unused.py").write_text("")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "deep.py").write_text("import step\n")
    (tmp_path / "numpy_free.py").write_text("")
    found = step("""
        import json, shapes
        import numpy as np
        def f(a):
            import plain.deep
    """)
    assert list(found.modules) == [
        "geometry/__init__.py",
        "geometry/circle.py",
        "geometry/constants.py",
        "plain/deep.py",
        "shapes.py",
    ]


def test_tritons_own_module_is_not_brought_along(step, tmp_path):
    (tmp_path / "triton_python_backend_utils.py").write_text("# stands in for it in tests\n")
    assert step("import triton_python_backend_utils as pb\ndef f(a): ...").modules == {}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\nfrom .shared import x\ndef f(a): ...", 2),
        ("from . import shared\ndef f(a): ...", 1),
        ("import step\ndef f(a): ...", 1),
        ("def f(a):\n  import model", 2),
    ],
)
def test_imports_that_mean_something_else_in_triton_are_refused(text, line, wrong, tmp_path):
    (tmp_path / "shared.py").write_text("x = 1\n")
    (tmp_path / "model.py").write_text("")
    finding = wrong(text)
    assert finding.code == "TG066"
    assert finding.place.line == line


def test_a_syntax_error_in_a_local_module_has_its_own_place(wrong, tmp_path):
    (tmp_path / "shared.py").write_text("\n\ndef (\n")
    finding = wrong("import shared\ndef f(a): ...")
    assert (finding.place.file, finding.place.line) == (str(tmp_path / "shared.py"), 3)
