"""The load program's modules are imported as Locust imports them: from one folder."""

import sys
from pathlib import Path

import tritongen

sys.path.append(str(Path(tritongen.__file__).parent / "runtime" / "load"))
