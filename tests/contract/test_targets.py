"""Every target of the table, and the table itself."""

import ast
from importlib.resources import files
from pathlib import Path

import pytest
from tests.unit.compose.stacks import planned

from tritongen.parts.targets import TARGETS
from tritongen.records.tree import Tree

FOLDER = Path(str(files("tritongen.parts.targets")))
STACK = {"tracing": {}, "alertmanager": {}}


def test_the_table_names_every_module_of_its_folder() -> None:
    there = {path.stem for path in FOLDER.iterdir() if not path.name.startswith("_")}
    assert set(TARGETS) == there


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_gives_the_same_each_time(name: str, tmp_path: Path) -> None:
    plan = planned(tmp_path, stack=STACK)
    assert TARGETS[name].render(plan) == TARGETS[name].render(plan)


@pytest.mark.parametrize("name", sorted(TARGETS.keys() - {"repository", "loadtests"}))
def test_a_target_of_the_stack_gives_nothing_without_one(name: str, tmp_path: Path) -> None:
    assert TARGETS[name].render(planned(tmp_path)) == {}


def test_no_two_targets_give_the_same_file_and_all_fit_into_one_tree(tmp_path: Path) -> None:
    plan = planned(tmp_path, stack=STACK)
    paths = [path for target in TARGETS.values() for path in target.render(plan)]
    assert sorted(paths) == sorted(set(paths))
    Tree({path: entry for t in TARGETS.values() for path, entry in t.render(plan).items()})


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_imports_no_other(name: str) -> None:
    module = FOLDER / f"{name}.py"
    for path in [module] if module.exists() else (FOLDER / name).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                others = node.module.removeprefix("tritongen.parts.targets.").split(".")[0]
                assert others == name or others not in TARGETS, (path, node.module)
