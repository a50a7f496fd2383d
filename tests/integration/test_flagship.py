"""spec.yaml as it is, built and served by the real tritonserver, against the magika package."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tests.real_files import Answers

from tritongen.parts.engines.embedded import RELEASE, Serving
from tritongen.records.release import releases
from tritongen.stages.run import run
from tritongen.triton import Request, Triton

pytestmark = pytest.mark.server

TRITONGEN = Path(sys.executable).with_name("tritongen")
SPEC = Path(__file__).parents[2] / "spec.yaml"


@pytest.fixture(scope="module")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    """One server for all these tests; ``serve`` would start one for each."""
    root = tmp_path_factory.mktemp("flagship")
    command = [TRITONGEN, "build", str(SPEC), "-o", str(root)]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    serving = Serving(
        root=root,
        repository=root / "model_repository",
        release=releases()[RELEASE],
        environment=os.environ,
        auto_complete=False,
        usual_ports=False,
    )
    with run(serving) as endpoint, Triton(http=endpoint.http, grpc=endpoint.grpc) as client:
        assert client.ready()
        yield client


def ask(triton: Triton, contents: Sequence[bytes]) -> list[tuple[str, float]]:
    column = np.array(contents, object).reshape(-1, 1)
    answer = triton.infer(Request(model="filetype", inputs={"content": column})).outputs
    assert answer["label"].shape == answer["score"].shape == column.shape
    labels = [label.decode() for label in answer["label"][:, 0]]
    return list(zip(labels, answer["score"][:, 0].tolist(), strict=True))


def in_batches(triton: Triton, contents: Sequence[bytes]) -> list[tuple[str, float]]:
    """Ask about many files, 16 at a time as the magika package does."""
    return [
        answer
        for start in range(0, len(contents), 16)
        for answer in ask(triton, contents[start : start + 16])
    ]


def differing(
    files: Iterable[str], said: Sequence[tuple[str, float]], expected: Answers
) -> dict[str, tuple[object, object]]:
    """Return the files with another label, or a score that is more than 1e-4 away."""
    return {
        name: (found, expected[name])
        for name, found in zip(files, said, strict=True)
        if found[0] != expected[name][0] or abs(found[1] - expected[name][1]) > 1e-4
    }


def test_files_sent_in_batches_are_judged_as_magika_judges_them(
    triton, real_files, magika_together
):
    said = in_batches(triton, list(real_files.values()))
    assert len(said) >= 300
    assert differing(real_files, said, magika_together) == {}


def test_files_sent_one_by_one_are_judged_as_magika_judges_one_file(
    triton, real_files, magika_alone
):
    some = dict(list(real_files.items())[::4])
    said = [ask(triton, [data])[0] for data in some.values()]
    assert differing(some, said, magika_alone) == {}


def test_files_sent_by_many_clients_at_once_are_batched_and_judged_alike(
    triton, real_files, magika_alone, magika_together
):
    (before,) = triton.statistics("classifier")
    with ThreadPoolExecutor(32) as clients:
        said = list(clients.map(lambda data: ask(triton, [data])[0], real_files.values()))
    (after,) = triton.statistics("classifier")
    # A file was alone in its batch or among others: the package's own two answers.
    neither = differing(real_files, said, magika_alone).keys() & differing(
        real_files, said, magika_together
    )
    assert neither == set()
    assert after.inference_count - before.inference_count == len(real_files)
    assert after.execution_count - before.execution_count < len(real_files) / 2


def test_an_empty_file_and_a_tiny_one_need_no_model_to_be_judged(triton):
    assert ask(triton, [b"", b"x", b"\xff", b" \n" * 5000]) == [
        ("empty", 1.0),
        ("txt", 1.0),
        ("unknown", 1.0),
        ("txt", 1.0),
    ]
