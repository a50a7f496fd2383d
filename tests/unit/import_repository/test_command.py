"""``tritongen import`` as it is typed: what it writes, says, refuses and ends with."""

import json
from pathlib import Path

import pytest
from tests.unit.import_repository.conftest import PYTHON_CONFIG, WRITES_PYTHON, snapshot, write

from tritongen.cli import main

ROOT = Path(__file__).parents[3]
FILES: dict[str, str | bytes] = {"m/config.pbtxt": PYTHON_CONFIG, "m/1/model.py": WRITES_PYTHON}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Run":
    return Run(tmp_path, monkeypatch)


class Run:
    """Types a command in an empty folder beside ``models``."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._patch = patch
        patch.chdir(folder)

    def __call__(self, *arguments: str) -> int:
        self._patch.setattr("sys.argv", ["tritongen", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        assert isinstance(end.value.code, int)
        return end.value.code


def test_the_spec_is_written_and_builds_elsewhere(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = write(run.folder / "models", FILES)
    before = snapshot(repository)
    assert run("import", "models") == 0
    said = capsys.readouterr().out.strip()
    assert said == "1 model imported into spec.yaml; built back, they are equal"
    assert run("build", "spec.yaml", "-o", "elsewhere") == 0
    assert snapshot(repository) == before
    copy = run.folder / "elsewhere" / "model_repository" / "m" / "1" / "model.py"
    assert copy.read_text() == WRITES_PYTHON
    assert [path.name for path in run.folder.glob(".import*")] == []


def test_a_spec_that_is_there_is_kept_unless_forced(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    write(run.folder / "models", FILES)
    (run.folder / "spec.yaml").write_text("mine")
    assert run("import", "models") == 2
    assert (run.folder / "spec.yaml").read_text() == "mine"
    assert "--force" in capsys.readouterr().err
    assert run("import", "models", "--force") == 0
    assert (run.folder / "spec.yaml").read_text() != "mine"


def test_what_can_be_imported_is_and_the_rest_is_named(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    write(run.folder / "models", {**FILES, "bad/config.pbtxt": "inputs {}"})
    assert run("import", "models") == 0
    told = capsys.readouterr()
    assert "models/bad/config.pbtxt:1:1  TG070 error  ModelConfig has no field `inputs`" in told.err
    assert "1 left out: bad" in told.out


@pytest.mark.parametrize(
    ("files", "arguments", "words"),
    [
        ({"bad/config.pbtxt": "inputs {}"}, ["models"], "has no field `inputs`"),
        ({"docs/readme": ""}, ["models"], "no folder in models is a model"),
        ({"a/b/config.pbtxt": "", "a/b/1/x": ""}, ["models"], "did you mean models/a?"),
        ({}, ["nowhere"], "nowhere does not exist"),
        (FILES, ["models/m"], "is one model, not a repository"),
        (FILES, ["models/m/config.pbtxt"], "is no folder"),
        (FILES, ["models", "-o", "models/spec.yaml"], "would stand inside the repository"),
        (FILES, ["models", "-o", "models"], "is a folder"),
        (FILES, ["models", "-o", "no/spec.yaml"], "there is no folder no"),
    ],
)
def test_an_import_that_cannot_be_is_refused_in_words(
    run: Run,
    capsys: pytest.CaptureFixture[str],
    files: dict[str, str | bytes],
    arguments: list[str],
    words: str,
) -> None:
    write(run.folder / "models", files)
    assert run("import", *arguments) == 2
    assert words in capsys.readouterr().err
    assert not (run.folder / "spec.yaml").exists()


def test_json_says_what_became_of_every_model(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    write(
        run.folder / "models", {**FILES, "bad/config.pbtxt": "inputs {}", "auto/1/model.onnx": ""}
    )
    assert run("import", "models", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["models"] == [
        {"name": "auto", "kind": "model", "complete": False, "equal": True},
        {"name": "m", "kind": "model", "complete": True, "equal": True},
    ]
    assert said["left_out"] == ["bad"]
    assert [found["code"] for found in said["findings"]] == ["TG070"]


def test_what_tritongen_built_becomes_nearly_the_spec_it_was_built_from(run: Run) -> None:
    spec = run.folder / "spec.yaml"
    # Not the checked-in repository: it lacks the weights.
    assert run("build", str(ROOT / "spec.yaml"), "-o", str(run.folder)) == 0
    assert run("import", str(run.folder / "model_repository"), "-o", str(spec)) == 0
    _, _, text = spec.read_text().partition("models:")
    assert text == FLAGSHIP


FLAGSHIP = """
  classifier:
    source: model_repository/classifier/1/model.onnx
    max_batch_size: 16
    dynamic_batching: {}
    instance_group: {kind: cpu, count: 2}
    parameters: {intra_op_thread_count: 1}
  features:
    python: model_repository/features/1/features.py:features
    input:
      content: BYTES[1]
    output:
      bytes: INT32[2048]
    max_batch_size: 64
    dynamic_batching: {}
    instance_group: {kind: cpu, count: 1}
  verdict:
    python: model_repository/verdict/1/verdict.py:verdict
    files:
      content_types.json: model_repository/verdict/content_types.json
      magika.json: model_repository/verdict/magika.json
    input:
      content: BYTES[1]
      scores: FP32[214]
    output:
      label: BYTES[1]
      score: FP32[1]
    max_batch_size: 64
    dynamic_batching: {}
    instance_group: {kind: cpu, count: 1}

ensembles:
  filetype:
    steps:
      - features
      - {model: classifier, output: {target_label: scores}}
      - verdict
"""
