"""One explicit-mode server, and what it and tritongen think of the same thing."""

import re
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tritongen.errors import SpecError
from tritongen.formats import pbtxt
from tritongen.records.endpoint import Endpoint
from tritongen.records.finding import Finding
from tritongen.records.plan import Plan
from tritongen.records.tree import Text
from tritongen.stages.check import check
from tritongen.stages.load import load
from tritongen.stages.probe import probe
from tritongen.stages.resolve import resolve
from tritongen.triton import Triton, TritonError, UnreachableError

HERE = Path(__file__).parent
ENDED = "the server ended"
"""A model that fails after its instances were made takes the server with it now and then."""
POLL = "failed to poll from model repository"
ECHO = """
import triton_python_backend_utils as pb


class TritonPythonModel:
    def execute(self, requests):
        names = {"x": "y", "p": "r"}
        answers = []
        for request in requests:
            rows = {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}
            outputs = [pb.Tensor(names[name], rows[name]) for name in rows if name in names]
            answers.append(pb.InferenceResponse(outputs))
        return answers
"""


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What tritongen found: codes of errors, or of a refusal before there was a plan."""

    plan: Plan | None
    errors: tuple[Finding, ...]

    @property
    def codes(self) -> list[str]:
        return sorted({finding.code for finding in self.errors})

    @property
    def text(self) -> str:
        return f"{self.errors[0].code} {self.errors[0].message}" if self.errors else "fine"


class Writer:
    """Specs over the members of ``members.yaml``; their files are read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "echo.py").write_text(ECHO, "utf-8")
        self.members = (HERE / "members.yaml").read_text("utf-8")
        self.facts = probe(self._load(self.members), folder)

    def _load(self, text: str) -> Any:
        path = self.folder / "spec.yaml"
        path.write_text(text, "utf-8")
        return load([path], {})

    def opinion(self, models: dict[str, Any], ensembles: dict[str, Any]) -> Opinion:
        """Load, resolve and check the members with these entries."""
        said = {"models": models, "ensembles": ensembles}
        over = self.folder / "over.yaml"
        over.write_text(yaml.safe_dump(said, sort_keys=False), "utf-8")
        (self.folder / "spec.yaml").write_text(self.members, "utf-8")
        try:
            spec = load([self.folder / "spec.yaml", over], {})
            plan = resolve(spec, probe(spec, self.folder) if models else self.facts)
        except SpecError as refusal:
            return Opinion(plan=None, errors=tuple(refusal.findings))
        found = check(plan)
        return Opinion(plan=plan, errors=tuple(f for f in found if f.severity == "error"))


class Server:
    """A real tritonserver; ``verdict`` is its text, empty if it loads the model.

    A model that is refused may take the server with it; then ``start`` starts another one.
    """

    def __init__(self, start: Callable[[], Endpoint], repository: Path) -> None:
        self.start = start
        self.repository = repository
        self.numbers = iter(range(10**9))
        self.members: list[str] = []
        self._connect()

    def _connect(self) -> None:
        endpoint = self.start()
        self.triton = Triton(http=endpoint.http, grpc=endpoint.grpc)
        self.log = Path(endpoint.log)
        for name in self.members:
            self.triton.load(name)

    def add_members(self, plan: Plan) -> None:
        """Load all models of a plan, for good."""
        self.members = list(plan.models)
        for name in self.members:
            self.place(plan, name, name)
            self.triton.load(name)

    def place(self, plan: Plan, model: str, name: str, config: str = "") -> None:
        """Write a planned model under another name; ``config`` instead of the planned one."""
        planned = plan.models[model]
        folder = self.repository / name
        (folder / "1").mkdir(parents=True)
        if not config:
            copy = type(planned.config)()
            copy.CopyFrom(planned.config)
            copy.name = name
            config = pbtxt.write(copy)
        (folder / "config.pbtxt").write_text(config, "utf-8")
        for path, entry in planned.content.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(entry, Text):
                target.write_text(entry.text, "utf-8")
            else:
                shutil.copy(entry.source, target)

    def verdict(self, plan: Plan, model: str, config: str = "") -> str:
        """Load a planned model under a new name, and take it away again."""
        name = f"{model}{next(self.numbers)}"
        self.place(plan, model, name, config.replace("SELF", name))
        try:
            self.triton.load(name, timeout_s=60)
        except UnreachableError:
            self._connect()
            return ENDED
        except TritonError as refusal:
            text = refusal.message.strip()
            return self._poll_reason(name) if POLL in text else text
        finally:
            shutil.rmtree(self.repository / name)
        self.triton.unload(name)
        return ""

    def _poll_reason(self, name: str) -> str:
        pattern = re.compile(rf"Poll failed for model directory '{name}': (.*)")
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            if found := pattern.search(self.log.read_text("utf-8", "replace")[-20000:]):
                return found[1].rstrip('"')
            time.sleep(0.01)
        return f"refused without a reason: {POLL}"


def table(rows: Iterable[tuple[str, str, str]]) -> str:
    """Lay out what was tried, what Triton says of it and what tritongen says."""
    lines = ["", f"{'':58}  {'Triton':60}  tritongen"]
    lines += [
        f"{what[:58]:58}  {(said or 'loads')[:60]:60}  {ours[:90]}" for what, said, ours in rows
    ]
    return "\n".join(lines)
