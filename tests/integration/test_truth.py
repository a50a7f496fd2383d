"""Whatever the real Triton refuses, tritongen refuses first; what it accepts, tritongen accepts.

An ensemble that resolves is loaded as it is rendered, its errors ignored; one that does not is
loaded as a person would have written it. ``-s`` prints both verdicts of everything.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from random import Random
from typing import Any

import pytest
import yaml
from tests.integration.truth.configs import config
from tests.integration.truth.graphs import graph
from tests.integration.truth.server import ENDED, HERE, Server, Writer, table

from tritongen.formats import pbtxt
from tritongen.parts.engines.embedded import RELEASE, Serving
from tritongen.records.release import releases
from tritongen.stages.run import run

pytestmark = pytest.mark.server

ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "1"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
ACCEPTED_AND_HARMFUL = {
    "TG110": "a second tensor of one name: no request is valid",
    "TG130": "a control named like an input replaces what clients send",
    "TG131": "a state without name or type: the first request ends the server",
    "TG137": "a cached answer is given to a request of another shape",
    "TG203": "a step that writes an input of the ensemble: the first request never ends",
    "TG211": "an optional input feeds a required one: requests without it fail",
    "TG219": "a varying dimension hides that two ends differ: every request fails",
}
"""Errors of ours for what Triton loads; ``test_harm.py`` shows that they deserve it."""
ONLY_HARMFUL = {"TG211", "TG219"}
"""Those of which Triton never refuses any: they must not hide that it refuses something else."""

ONE = {
    "python": "echo.py",
    "max_batch_size": 4,
    "input": {"x": "FP32[4]"},
    "output": {"y": "FP32[4]"},
    "instance_group": {"kind": "cpu", "count": 1},
}


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Writer:
    return Writer(tmp_path_factory.mktemp("specs"))


@pytest.fixture(scope="module")
def server(writer: Writer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with all members loaded."""
    repository = tmp_path_factory.mktemp("repository")
    serving = Serving(
        root=tmp_path_factory.mktemp("server"),
        repository=repository,
        release=releases()[RELEASE],
        environment=os.environ,
        options=("--model-control-mode=explicit",),
        auto_complete=False,
        usual_ports=False,
        timeout_s=60,
    )
    with ExitStack() as servers:
        one = Server(lambda: servers.enter_context(run(serving)), repository)
        members = writer.opinion({}, {}).plan
        assert members is not None
        one.add_members(members)
        yield one


def cases(file: str) -> list[Any]:
    rows = yaml.safe_load((HERE / file).read_text("utf-8"))
    return [pytest.param(row, id=row["rule"].replace(" ", "-")) for row in rows]


@pytest.mark.parametrize("row", cases("models.yaml"))
def test_a_rule_of_models_is_tritons(row: dict[str, Any], writer: Writer, server: Server) -> None:
    said = {key: value for key, value in row.items() if key not in ("rule", "refused")}
    entry = {key: value for key, value in (ONE | said).items() if value is not None}
    opinion = writer.opinion({"m": entry}, {})
    assert opinion.plan is not None, opinion.text
    verdict = server.verdict(opinion.plan, "m")
    print(table([(row["rule"], verdict, opinion.text)]))
    assert row.get("refused", "") in verdict or verdict == ENDED
    assert bool(verdict) == bool(row.get("refused")), verdict
    assert bool(opinion.errors) == bool(verdict), opinion.text


@pytest.mark.parametrize("row", cases("ensembles.yaml"))
def test_a_rule_of_ensembles_is_tritons(
    row: dict[str, Any], writer: Writer, server: Server
) -> None:
    entry = {key: value for key, value in row.items() if key not in ("rule", "refused", "config")}
    opinion = writer.opinion({}, {"e": entry})
    by_hand = f'platform: "ensemble"\n{row["config"]}' if "config" in row else ""
    members = writer.opinion({}, {"e": {"steps": ["a"]}}).plan
    assert members is not None
    assert (opinion.plan is None) == bool(by_hand), opinion.text
    verdict = server.verdict(opinion.plan or members, "e", by_hand)
    print(table([(row["rule"], verdict, opinion.text)]))
    assert row.get("refused", "") in verdict or verdict == ENDED
    assert bool(verdict) == bool(row.get("refused")), verdict
    assert bool(opinion.errors) == bool(verdict), opinion.text


def test_random_ensembles_are_judged_alike(writer: Writer, server: Server) -> None:
    random = Random(SEED)
    bare = writer.opinion({}, {"e": {"steps": ["a"]}}).plan
    assert bare is not None
    rows, wrong = [], []
    for number in range(150 * ROUNDS):
        made = graph(random)
        opinion = writer.opinion({}, {"e": made.entry()})
        by_hand = "" if opinion.plan else pbtxt.write(made.config())
        verdict = server.verdict(opinion.plan or bare, "e", by_hand)
        row = (f"{number} {', '.join(made.what) or 'sound'}", verdict, opinion.text)
        rows.append(row)
        if not _alike(opinion.codes, verdict):
            wrong.append(f"{table([row])}\n{yaml.safe_dump(made.entry(), sort_keys=False)}")
    _summarize(rows)
    assert not wrong, "\n".join(wrong[:5])
    assert sum(1 for row in rows if not row[1]) > len(rows) / 5, "too few of them load"
    assert sum(1 for row in rows if row[1]) > len(rows) / 5, "too few of them are refused"


def test_random_models_are_judged_alike(writer: Writer, server: Server) -> None:
    random = Random(SEED)
    rows, wrong = [], []
    for number in range(60 * ROUNDS):
        entry = ONE | config(random)
        opinion = writer.opinion({"m": entry}, {})
        assert opinion.plan is not None, opinion.text
        verdict = server.verdict(opinion.plan, "m")
        what = ", ".join(key for key in entry if key not in ONE or entry[key] != ONE[key])
        row = (f"{number} {what}", verdict, opinion.text)
        rows.append(row)
        if not _alike(opinion.codes, verdict):
            wrong.append(f"{table([row])}\n{yaml.safe_dump(entry, sort_keys=False)}")
    _summarize(rows)
    assert not wrong, "\n".join(wrong[:5])


def _alike(codes: list[str], verdict: str) -> bool:
    """Tell whether both refuse or both accept, or Triton accepts what is known to do harm."""
    if verdict:
        return bool(set(codes) - ONLY_HARMFUL)
    return not codes or set(codes) <= set(ACCEPTED_AND_HARMFUL)


def _summarize(rows: list[tuple[str, str, str]]) -> None:
    print(table(rows))
    refused = sum(1 for _, verdict, _ in rows if verdict)
    print(f"{len(rows)} tried: Triton refuses {refused}, loads {len(rows) - refused}")
