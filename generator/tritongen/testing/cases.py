"""Cases as data: a spec, and what the model files say instead of the files.

    spec: |
      models: {m: m.onnx}
    files: {m: {input: {x: "FP32[-1,16]"}, output: {y: "FP32[-1,10]"}}}
    steps: {s: "def run(x): ..."}
    labels: {m: {y: [cat, dog]}}
    extra: {m: [1/vocabulary.txt]}

``extra`` are the files placed beside the model's own. ``files`` may add ``ir_version``, ``opset``
and ``versions`` to a model; dims are the file's full shapes. A model of another format says
``backend``, ``file`` and, if they are known, ``arguments``; without ``input`` it can't be read. A
step's text is that of its Python file with one function.
"""

import re
from pathlib import Path
from typing import Any

from tritongen.records.facts import Facts, FileFacts, ModelFacts, StepFacts, TensorFacts
from tritongen.records.plan import Plan
from tritongen.stages.load import load
from tritongen.stages.probe.steps import read_step
from tritongen.stages.resolve import resolve


def plan_of(case: dict[str, Any], folder: Path) -> Plan:
    """Load and resolve a case; its files are written below ``folder``, the spec as ``spec.yaml``.

    Raises:
        SpecError: as ``load`` and ``resolve`` do.
    """
    path = folder / "spec.yaml"
    path.write_text(case["spec"], "utf-8")
    return resolve(load([path], {}), facts_of(case, folder))


def facts_of(case: dict[str, Any], folder: Path) -> Facts:
    """Return what a case says of its files."""
    return Facts(
        models={
            name: {version: _model(said) for version in said.get("versions", [1])}
            for name, said in case.get("files", {}).items()
        },
        steps={name: _step(folder, name, text) for name, text in case.get("steps", {}).items()},
        files={
            name: {path: _file(path) for path in paths}
            for name, paths in case.get("extra", {}).items()
        },
        labels={
            name: {output: tuple(lines) for output, lines in said.items()}
            for name, said in case.get("labels", {}).items()
        },
    )


def _model(said: dict[str, Any]) -> ModelFacts:
    backend = said.get("backend", "onnxruntime")
    return ModelFacts(
        backend=backend,
        files={said.get("file", "model.onnx"): _file("m.onnx")},
        inputs=_tensors(said.get("input")),
        outputs=_tensors(said.get("output")),
        arguments=tuple(said["arguments"]) if "arguments" in said else None,
        ir_version=said.get("ir_version", 8) if backend == "onnxruntime" else None,
        opsets={"": said.get("opset", 17)} if backend == "onnxruntime" else {},
    )


def _file(source: str) -> FileFacts:
    return FileFacts(source=source, sha256="0" * 64, size_bytes=1)


def _tensors(said: dict[str, str] | None) -> tuple[TensorFacts, ...] | None:
    return None if said is None else tuple(_tensor(name, text) for name, text in said.items())


def _tensor(name: str, text: str) -> TensorFacts:
    parts = re.fullmatch(r"(\w+)\[(.*)\]( optional)?", text)
    assert parts is not None
    shape = tuple(int(dim) for dim in parts[2].split(",") if dim)
    data_type = "TYPE_" + parts[1].replace("BYTES", "STRING")
    return TensorFacts(name=name, data_type=data_type, shape=shape, optional=bool(parts[3]))


def _step(folder: Path, name: str, text: str) -> StepFacts:
    path = folder / f"{name}.py"
    path.write_text(text, "utf-8")
    function = re.search(r"def (\w+)", text)
    assert function is not None
    return read_step(f"{path}:{function[1]}", folder, None)
