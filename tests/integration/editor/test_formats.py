"""What other programs read is what their own definitions say."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator

from tritongen.cli import cli

ROOT = Path(__file__).parents[3]


def test_sarif_is_valid_by_the_standard_s_own_schema(node_modules: Path, tmp_path: Path) -> None:
    folder = node_modules / "@microsoft" / "jest-sarif" / "lib" / "schemas"
    standard = json.loads((folder / "sarif-2.1.0-rtm.5.json").read_text("utf-8"))
    spec = tmp_path / "a b.yaml"
    spec.write_text("modles: {}\nmodels: {x y: a.onnx, b: {source: b.onnx, q: 1}}\n", "utf-8")
    run = CliRunner().invoke(cli, ["check", str(spec), "--format", "sarif"])
    log = json.loads(run.stdout)
    assert len(log["runs"][0]["results"]) >= 3
    assert [error.message for error in Draft7Validator(standard).iter_errors(log)] == []


MERMAID = """
import { Window } from "happy-dom";
const window = new Window();
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const parsed = await mermaid.parse(Buffer.concat(chunks).toString());
console.log(parsed.diagramType);
process.exit(0);
"""
NAMES = r"""
models:
  a.b-c: {source: none, backend: mine, input: {"x\"]": "FP32[3]"}, output: {"end;": "BYTES[1]"}}
  end: {source: none, backend: mine, input: {"end;": "BYTES[1]"}, output: {"<b>|": "BYTES[1]"},
    calls: a.b-c}
  alone: {source: none, backend: mine, input: {k: "FP32[5]"}, output: {"#1;": "BYTES[1]"}}
ensembles: {graph: {steps: [a.b-c, end]}}
"""


@pytest.mark.parametrize("spec", [NAMES, (ROOT / "spec.yaml").read_text("utf-8")])
def test_mermaid_itself_reads_what_is_drawn(
    node: str, node_modules: Path, tmp_path: Path, spec: str
) -> None:
    if "steps/" in spec:
        shutil.copytree(ROOT / "steps", tmp_path / "steps")
        shutil.copytree(ROOT / "examples" / "files", tmp_path / "examples" / "files")
    (tmp_path / "spec.yaml").write_text(spec, "utf-8")
    drawn = CliRunner().invoke(cli, ["graph", str(tmp_path / "spec.yaml"), "--format", "mermaid"])
    assert drawn.exit_code == 0, drawn.output
    run = subprocess.run(
        [node, "--input-type=module", "-e", MERMAID],
        input=drawn.stdout,
        cwd=node_modules.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.stdout.startswith("flowchart"), run.stderr
