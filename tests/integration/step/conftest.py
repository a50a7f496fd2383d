"""One real server; each test writes its steps and loads them into it."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import pytest

from tritongen.parts.engines.embedded import RELEASE, Serving
from tritongen.records.endpoint import Endpoint
from tritongen.records.release import releases
from tritongen.runtime import __file__ as runtime
from tritongen.stages.run import run
from tritongen.triton import Triton


@pytest.fixture(scope="package")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("repository")


@pytest.fixture(scope="package")
def endpoint(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
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
    with run(serving) as endpoint:
        yield endpoint


@pytest.fixture(scope="package")
def triton(endpoint: Endpoint) -> Iterator[Triton]:
    with Triton(http=endpoint.http, grpc=endpoint.grpc) as client:
        yield client


@dataclass
class Load:
    """Writes a model and loads it; unloads and deletes what it loaded when closed."""

    repository: Path
    triton: Triton
    default_name: str
    names: list[str] = field(default_factory=list)

    def __call__(
        self,
        source: str,
        config: str,
        *,
        name: str = "",
        join: bool = True,
        files: dict[str, str] | None = None,
    ) -> str:
        """Load the function ``step`` of ``user_step.py``; ``files`` lie in the model's folder."""
        what = {"file": "user_step.py", "function": "step", "join": join}
        texts = {
            "1/model.py": Path(runtime).with_name("step.py").read_text("utf-8"),
            "1/step.json": json.dumps(what),
            "1/user_step.py": dedent(source),
            **(files or {}),
        }
        return self._load(name or self.default_name, f'backend: "python"\n{config}', texts)

    def ensemble(self, name: str, config: str) -> str:
        return self._load(name, config, {})

    def close(self) -> None:
        for name in self.names[::-1]:
            self.triton.unload(name)
            shutil.rmtree(self.repository / name)

    def _load(self, name: str, config: str, texts: dict[str, str]) -> str:
        self.names.append(name)
        folder = self.repository / name
        (folder / "1").mkdir(parents=True)
        for path, text in {**texts, "config.pbtxt": f'name: "{name}"\n{config}'}.items():
            (folder / path).write_text(text, "utf-8")
        self.triton.load(name, timeout_s=30)
        return name


@pytest.fixture
def load(repository: Path, triton: Triton, request: pytest.FixtureRequest) -> Iterator[Load]:
    load = Load(repository, triton, request.node.originalname)
    yield load
    load.close()


def tensor(kind: str, name: str, data_type: str, dims: str = "1", more: str = "") -> str:
    """Return an ``input`` or ``output`` entry of a config.pbtxt."""
    return f'{kind} {{ name: "{name}" data_type: TYPE_{data_type} dims: [{dims}] {more} }}\n'
