"""Pictures show every tensor with its type, what runs it, and what stands inside what."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tritongen.cli.rails import drawn
from tritongen.errors import SpecError
from tritongen.records.plan import Plan
from tritongen.stages.draw import Picture, mermaid, pictures, svg
from tritongen.testing.cases import plan_of

SPEC = """
models:
  decode: {source: none, backend: mine, input: {image: "BYTES[1]"},
    output: {pixels: "UINT8[-1,3]", meta: "INT32[4]"}, max_batch_size: 8, dynamic_batching: {}}
  small.er: {source: none, backend: mine, input: {pixels: "UINT8[-1,3]", size: "INT32[2] optional"},
    output: {small: "FP32[3]"}, max_batch_size: 8}
  merge: {source: none, backend: tensorrt, input: {"<x>": "FP32[3]", meta: "INT32[4]"},
    output: {result: "BYTES[1]"}, max_batch_size: 8, calls: lookup,
    instance_group: {kind: gpu, count: 2, gpus: [0, 1]}}
  lookup: {source: none, backend: mine, input: {key: "FP32[5]"}, output: {hit: "BYTES[1]"}}
ensembles:
  outer:
    max_batch_size: 8
    steps: [inner, {model: merge, input: {"<x>": small}}]
  inner:
    steps: [decode, small.er]
"""
TERMINAL = """\
outer  ensemble  batch 8

      ╭─ input ────────────────╮
╭──── │ image BYTES[1]         │
│ ╭── │ size INT32[2] optional │
│ │   ╰────────────────────────╯
│ │   ╭─ inner ────────────────╮
╰─│─▶ │ image BYTES[1]         │
  ╰─▶ │ size INT32[2] optional │
      │ ensemble · batch 8     │
╭──── │ meta INT32[4]          │
│ ╭── │ small FP32[3]          │
│ │   ╰────────────────────────╯
│ │   ╭─ merge ─────────────────────────────────────╮
│ ╰─▶ │ <x> FP32[3]                                 │
╰───▶ │ meta INT32[4]                               │
      │ tensorrt · batch 8 · 2 instances on GPU 0,1 │
      │ calls lookup                                │
╭──── │ result BYTES[1]                             │
│     ╰─────────────────────────────────────────────╯
│     ╭─ output ────────╮
╰───▶ │ result BYTES[1] │
      ╰─────────────────╯
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of({"spec": SPEC}, tmp_path)


def test_an_ensemble_is_drawn_with_those_inside_it_and_no_others(plan: Plan) -> None:
    assert [picture.title for picture in pictures(plan, "outer")] == ["outer", "inner"]
    assert [picture.title for picture in pictures(plan, "inner")] == ["inner"]
    assert {picture.title for picture in pictures(plan)} == {"outer", "inner", "models"}
    (alone,) = (picture for picture in pictures(plan) if picture.title == "models")
    assert [box.title for box in alone.boxes] == ["lookup"]


def test_a_misspelled_ensemble_is_refused_with_the_nearest(plan: Plan) -> None:
    with pytest.raises(SpecError) as refused:
        pictures(plan, "outter")
    assert refused.value.why == "did you mean 'outer'?"


def test_the_terminal_shows_each_tensor_from_its_writer_to_its_readers(plan: Plan) -> None:
    assert drawn(pictures(plan, "outer")[:1]).plain == TERMINAL


def test_the_svg_is_one_wellformed_file_with_every_tensor(plan: Plan) -> None:
    text = svg(pictures(plan))
    root = ET.fromstring(text)
    shown = " ".join("".join(node.itertext()) for node in root.findall(".//{*}text"))
    for part in (
        "image BYTES[1]",
        "<x> FP32[3]",
        "size INT32[2] optional",
        "2 instances on GPU 0,1",
    ):
        assert part in shown
    wires = [node for node in root.findall(".//{*}path") if node.get("class") == "wire"]
    assert len(wires) == sum(len(picture.links) for picture in pictures(plan))
    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"(href|src|url\(|@import)", text), "it needs nothing else"


def test_mermaid_escapes_names_and_shows_calls(plan: Plan) -> None:
    text = mermaid(pictures(plan))
    assert '|"small FP32#91;3#93;"|' in text
    assert "-. calls .->" in text
    assert "<x>" not in text


def boxes_of(text: str) -> list[tuple[float, float, float, float]]:
    """Return x, y, width and height of every box."""
    found = []
    for group in ET.fromstring(text).findall(".//{*}g"):
        if group.get("class") and (rect := group.find("{*}rect")) is not None:
            numbers = re.findall(r"[\d.]+", group.get("transform", ""))
            sides = rect.get("width", ""), rect.get("height", "")
            x, y, width, height = map(float, (*numbers, *sides))
            found.append((x, y, width, height))
    return found


@st.composite
def chains(draw: st.DrawFn) -> str:
    """A random ensemble: each step reads one or two earlier tensors."""
    count = draw(st.integers(1, 8))
    models, steps = [], []
    for number in range(count):
        reads = draw(st.sets(st.integers(-1, number - 1), min_size=1, max_size=2))
        names = {f"t{read}" if read >= 0 else "start" for read in reads}
        inputs = ", ".join(f'{name}: "FP32[4]"' for name in sorted(names))
        models.append(
            f"  m{number}: {{source: none, backend: mine, input: {{{inputs}}}, "
            f'output: {{t{number}: "FP32[4]"}}, max_batch_size: 4}}'
        )
        steps.append(f"m{number}")
    order = draw(st.permutations(steps))
    return (
        "models:\n" + "\n".join(models) + f"\nensembles: {{e: {{steps: [{', '.join(order)}]}}}}\n"
    )


@given(chains())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_ensemble_is_drawn_without_boxes_on_boxes_and_without_open_rails(
    tmp_path: Path, spec: str
) -> None:
    (picture,) = pictures(plan_of({"spec": spec}, tmp_path))
    placed = boxes_of(svg([picture]))
    assert len(placed) == len(picture.boxes)
    for number, (x, y, width, height) in enumerate(placed):
        for other_x, other_y, other_width, other_height in placed[number + 1 :]:
            apart = x + width <= other_x or other_x + other_width <= x
            assert apart or y + height <= other_y or other_y + other_height <= y
    every_tensor_arrives(picture)


def every_tensor_arrives(picture: Picture) -> None:
    """Follow the rails of the terminal: each begins at a writer and ends at its last reader."""
    lines = drawn([picture]).plain.splitlines()[2:]
    begun: set[int] = set()
    arrived = 0
    for line in lines:
        beside = re.match(r"(?:[ │]{2})*([├╰╭])─[─│]*(▶?) │", line)
        if beside is None:
            continue
        column = beside.start(1)
        arrived += beside[2] == "▶"
        if beside[1] == "╭":
            assert column not in begun
            begun.add(column)
        else:
            assert column in begun
            begun -= {column} if beside[1] == "╰" else set()
    assert begun == set()
    assert arrived == len(picture.links)
