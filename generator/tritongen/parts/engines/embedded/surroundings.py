"""Lays out what a server needs around it: backends, and the interpreter of its Python models."""

import json
import shutil
import site
import sys
from pathlib import Path

from tritongen.parts.engines.embedded.installation import Installation
from tritongen.records.release import Release

RUNTIME = Path(__file__).parents[3] / "runtime"
"""``importlib.resources`` would find it, too, and takes as long as everything else here."""

STARTUP = '''"""Gives Python models the packages of the environment that started the server."""

import site
import sys

# Triton watches the repository's modification times, and it may be read-only.
sys.dont_write_bytecode = True
# What a model prints is in the log at once.
sys.stdout.reconfigure(line_buffering=True)
for folder in {folders!r}:
    site.addsitedir(folder)
'''


def lay_out_backends(folder: Path, installation: Installation, release: Release) -> None:
    """Make a backend directory: the wheel's Python backend, and ours that are based on it.

    Ours behave as in ``release``: they read its limits, where known, from ``release.json``.
    """
    python = folder / "python"
    python.mkdir(parents=True)
    for file in (*installation.python_backend.iterdir(), installation.stub):
        if file.is_file():
            # Not a link: a backend based on this library is refused if it lies elsewhere.
            shutil.copy2(file, python)
    limits = {
        "onnxruntime": release.onnxruntime,
        "onnx_ir": release.onnx_ir,
        "onnx_opset": release.onnx_opset,
    }
    for model in sorted(RUNTIME.glob("*/model.py")):
        backend = folder / model.parent.name
        ignored = shutil.ignore_patterns("__pycache__", "__init__.py")
        shutil.copytree(model.parent, backend, ignore=ignored)
        if None not in limits.values():
            (backend / "release.json").write_text(json.dumps(limits) + "\n", "utf-8")


def lay_out_interpreter(folder: Path, python_path: str) -> None:
    """Make a virtual environment whose ``python3`` has the packages that we have.

    From Python 3.11 on the stub's interpreter is isolated: it ignores ``PYTHONPATH`` and takes
    its packages from where the first ``python3`` of ``PATH`` lies. ``python_path`` is the
    user's ``PYTHONPATH``.
    """
    version = ".".join(map(str, sys.version_info[:2]))
    packages = folder / "lib" / f"python{version}" / "site-packages"
    packages.mkdir(parents=True)
    (folder / "bin").mkdir()
    interpreter = Path(sys.executable).resolve()
    (folder / "bin" / "python3").symlink_to(interpreter)
    (folder / "pyvenv.cfg").write_text(
        f"home = {interpreter.parent}\ninclude-system-site-packages = false\n", "utf-8"
    )
    startup = STARTUP.format(folders=package_folders(python_path))
    (packages / "tritongen_startup.py").write_text(startup, "utf-8")
    (packages / "tritongen.pth").write_text("import tritongen_startup\n", "utf-8")


def package_folders(python_path: str) -> list[str]:
    """Return the folders that this interpreter takes packages from, in its order."""
    user = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    said = [str(Path(folder).resolve()) for folder in python_path.split(":") if folder]
    return [folder for folder in (*said, *user, *site.getsitepackages()) if Path(folder).is_dir()]
