"""How these tests read a spec: text in, record or findings out."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tritongen.errors import SpecError
from tritongen.records.spec import Spec
from tritongen.stages.load import load

Read = Callable[..., Spec]
Told = Callable[..., list[str]]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Return what reads one text after another as ``spec.yaml``, ``1.yaml``, ``2.yaml``..."""
    monkeypatch.chdir(tmp_path)

    def read_texts(*texts: str | bytes, environment: Mapping[str, str] | None = None) -> Spec:
        paths = [Path("spec.yaml" if n == 0 else f"{n}.yaml") for n in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(paths, environment or {})

    return read_texts


@pytest.fixture
def told(read: Read) -> Told:
    """Return what reads texts that must be refused, and gives ``place code message`` of each."""

    def findings_of(*texts: str | bytes) -> list[str]:
        with pytest.raises(SpecError) as refused:
            read(*texts)
        return [f"{found.place} {found.code} {found.message}" for found in refused.value.findings]

    return findings_of
