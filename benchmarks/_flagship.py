"""What both benchmarks of the flagship need: a build of spec.yaml, and files to ask it about."""

import subprocess
import sys
import sysconfig
from itertools import islice
from pathlib import Path

SPEC = Path(__file__).resolve().parents[1] / "spec.yaml"
TRITONGEN = str(Path(sys.executable).with_name("tritongen"))


def build(root: Path) -> Path:
    """Build the flagship below ``root``; return its model repository."""
    subprocess.run(
        [TRITONGEN, "build", str(SPEC), "-o", str(root)], check=True, capture_output=True
    )
    return root / "model_repository"


def contents(count: int) -> list[bytes]:
    """Return files of the standard library."""
    paths = sorted(Path(sysconfig.get_path("stdlib")).glob("*/*.py"))
    return [path.read_bytes() for path in islice(paths, count)]
