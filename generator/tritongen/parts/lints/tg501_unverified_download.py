"""A file from the network is used without a checksum.

Model files are code: Python steps run as they are, and so do parts of TorchScript and TensorRT
files. What an address gives can change, or be changed. With `sha256` the bytes are those that you
have seen, and a build gives the same repository everywhere.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint, SpecPath
from tritongen.records.plan import Plan
from tritongen.records.spec import Model, Source

SEVERITY: Final = "warning"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about downloads whose bytes nothing promises."""
    for name, entry in plan.spec.models.items():
        for path, source in _sources(entry):
            if source.path.startswith("https://") and source.sha256 is None:
                yield Complaint(
                    path=("models", name, *path),
                    message=f"{name} takes what {source.path.partition('?')[0]} gives",
                    why="what is behind an address can change, and models are code",
                    fix=f"say what it is: {{path: {source.path}, sha256: ...}}",
                )


def _sources(entry: Model) -> Iterator[tuple[SpecPath, Source]]:
    if isinstance(entry.source, Source):
        yield ("source",), entry.source
    for version, where in entry.versions.items():
        if isinstance(where, Source):
            yield ("versions", version), where
    for file, where in entry.files.items():
        yield ("files", file), where
