"""Options and fixtures of the whole test suite."""

from pathlib import Path

import pytest
from tests.real_files import Answers, found, made

HERE = Path(__file__).parent

ALONE = (
    "integration/compose",
    "integration/gateway/test_replicas.py",
    "integration/simulate",
    "unit/runtime/load/test_run.py",
)
"""What measures, or starts an engine that serves all of its folder: it runs beside nothing else."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what must run alone."""
    for item in items:
        if item.path.relative_to(HERE).as_posix().startswith(ALONE):
            item.add_marker(pytest.mark.alone)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write what is rendered now as the expected output of tests/golden",
    )


@pytest.fixture(scope="session")
def real_files() -> dict[str, bytes]:
    """At least 300 files by name, found on this machine or made for the edges of the rules."""
    return {**found(320), **made()}


@pytest.fixture(scope="session")
def magika_alone(real_files: dict[str, bytes]) -> Answers:
    """What the ``magika`` package says of each file alone: label and score by name."""
    from magika import Magika

    magika = Magika()
    answers = {name: magika.identify_bytes(data) for name, data in real_files.items()}
    return {name: (str(answer.output.label), answer.score) for name, answer in answers.items()}


@pytest.fixture(scope="session")
def magika_together(
    real_files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> Answers:
    """What it says of the same files, sixteen at a time.

    The scores of one file alone and among others differ by up to 0.03 where a file is short:
    ONNX Runtime adds up in another order then, and the model's layer normalisation takes the
    difference of two nearly equal sums. How many others there are makes no difference.
    """
    from magika import Magika

    magika = Magika()
    folder = tmp_path_factory.mktemp("real_files")
    paths = [folder / str(number) for number in range(len(real_files))]
    for path, data in zip(paths, real_files.values(), strict=True):
        path.write_bytes(data)
    answers = [
        answer
        for start in range(0, len(paths), 16)
        for answer in magika.identify_paths(paths[start : start + 16])
    ]
    said = ((str(answer.output.label), answer.score) for answer in answers)
    return dict(zip(real_files, said, strict=True))
