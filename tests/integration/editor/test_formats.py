"""What other programs read is what their own definitions say."""

import json
from pathlib import Path

from click.testing import CliRunner
from jsonschema import Draft7Validator

from tritongen.cli import cli


def test_sarif_is_valid_by_the_standard_s_own_schema(node_modules: Path, tmp_path: Path) -> None:
    folder = node_modules / "@microsoft" / "jest-sarif" / "lib" / "schemas"
    standard = json.loads((folder / "sarif-2.1.0-rtm.5.json").read_text("utf-8"))
    spec = tmp_path / "a b.yaml"
    spec.write_text("modles: {}\nmodels: {x y: a.onnx, b: {source: b.onnx, q: 1}}\n", "utf-8")
    run = CliRunner().invoke(cli, ["check", str(spec), "--format", "sarif"])
    log = json.loads(run.stdout)
    assert len(log["runs"][0]["results"]) >= 3
    assert [error.message for error in Draft7Validator(standard).iter_errors(log)] == []
