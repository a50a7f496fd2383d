"""Random ensembles against a brute-force reference of Triton's rules; none ends in a traceback."""

from pathlib import Path
from random import Random

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.integration.truth.graphs import Graph, graph
from tests.integration.truth.server import Opinion, Writer
from tests.unit.fuzz.reference import broken, harmful
from tests.unit.fuzz.rounds import tries

from tritongen.errors import SpecError
from tritongen.stages.check import check
from tritongen.stages.render import render
from tritongen.testing.cases import plan_of


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Writer:
    return Writer(tmp_path_factory.mktemp("specs"))


@tries(150)
@given(seed=st.integers(0, 2**32))
def test_ensembles_are_judged_as_by_brute_force(writer: Writer, seed: int) -> None:
    made = graph(Random(seed))
    opinion = writer.opinion({}, {"e": made.entry()})
    expected = broken(effective(made, opinion))
    shown = f"{opinion.text}\n{expected}\n{yaml.safe_dump(made.entry(), sort_keys=False)}"
    if opinion.errors:
        assert expected or harmful(made) or "TG219" in opinion.codes, shown
    else:
        assert not expected | harmful(made), shown


def effective(made: Graph, opinion: Opinion) -> Graph:
    """Return what would be served: outputs that nobody needs are left out of the steps' maps."""
    needed = set(made.outputs) | {t for step in made.steps for t in step["input"].values()}
    steps = [
        step | {"output": {own: t for own, t in step["output"].items() if t in needed}}
        for step in made.steps
    ]
    return Graph(made.max_batch_size, made.inputs, made.outputs, steps)


TENSORS = ["p", "q", "r", "s"]
MODELS = {
    "f": {"input": {"p": "FP32[-1,4]"}, "output": {"q": "FP32[-1,4]"}},
    "g": {"input": {"q": "FP32[-1,4]"}, "output": {"r": "FP32[-1,4]"}},
    "h": {"input": {"q": "FP32[-1,4]", "r": "FP32[-1,4]"}, "output": {"s": "INT32[-1]"}},
}
STEPS = st.one_of(
    st.sampled_from([*MODELS, "e", "d", "nosuch"]),
    st.fixed_dictionaries(
        {"model": st.sampled_from([*MODELS, "e", "d"])},
        optional={
            "input": st.dictionaries(st.sampled_from(TENSORS), st.sampled_from(TENSORS)),
            "output": st.dictionaries(st.sampled_from(TENSORS), st.sampled_from(TENSORS)),
            "version": st.sampled_from([-1, 1, 2]),
        },
    ),
)
TENSOR = st.sampled_from(["FP32[4]", "FP32[-1,4] optional", "INT32[1] reshape[]"])
NAMED = st.dictionaries(st.sampled_from(TENSORS), TENSOR, max_size=3)
BARE = st.lists(st.sampled_from(TENSORS), max_size=3, unique=True)
ENTRY = st.fixed_dictionaries(
    {"steps": st.lists(STEPS, min_size=1, max_size=4)},
    optional={
        "max_batch_size": st.integers(-1, 8),
        "input": NAMED | BARE,
        "output": NAMED | BARE,
        "response_cache": st.just({"enable": True}),
        "versions": st.just([0, 3]),
    },
)


@tries(150)
@given(ensembles=st.dictionaries(st.sampled_from(["e", "d"]), ENTRY, min_size=1))
def test_ensembles_of_any_form_are_planned_or_refused(
    tmp_path_factory: pytest.TempPathFactory, ensembles: dict[str, object]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    spec = {"models": {name: f"{name}.onnx" for name in MODELS}, "ensembles": ensembles}
    case = {"spec": yaml.safe_dump(spec, sort_keys=False), "files": MODELS}
    try:
        plan = plan_of(case, Path(folder))
    except SpecError as refused:
        told = refused.findings
    else:
        told = [*check(plan)]
        assert render(plan).entries
    assert all(finding.message and finding.fix for finding in told)
