"""A folder with a spec in it, and the findings of reading it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tritongen.errors import SpecError
from tritongen.records.facts import Facts
from tritongen.records.finding import Finding, Place, Places
from tritongen.records.spec import Model, Spec
from tritongen.stages.probe import probe

Probe = Callable[..., Facts]


@pytest.fixture
def read(tmp_path: Path) -> Probe:
    """Probe models that stand in ``spec.yaml`` of the test's folder."""

    def _read(
        models: dict[str, Any] | None = None, *, triton: str = "24.10", **model: Any
    ) -> Facts:
        said = models or {"m": model}
        place = Place(file=str(tmp_path / "spec.yaml"), line=3, column=5)
        spec = Spec(
            name="test",
            triton=triton,
            models={name: Model(**entry) for name, entry in said.items()},
            places=Places({("models",): place}),
        )
        return probe(spec, tmp_path / "out", fetch=False)

    return _read


@pytest.fixture
def refused(read: Probe) -> Callable[..., list[Finding]]:
    """Probe what must be refused, and return the findings."""

    def _refused(*args: Any, **model: Any) -> list[Finding]:
        with pytest.raises(SpecError) as error:
            read(*args, **model)
        assert all(finding.place for finding in error.value.findings)
        return list(error.value.findings)

    return _refused
