"""Finds the tritonserver of PyPI's nvidia-pytriton and all that it needs to run here."""

import os
import platform
import re
import sys
import sysconfig
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tritongen.errors import ToolMissingError

INSTALL = "pip install 'tritongen[embedded]'"
GLIBC = (2, 35)


@dataclass(frozen=True, kw_only=True)
class Installation:
    """The wheel's files that we use, and the folder of this interpreter's shared library."""

    server: Path
    libraries: Path
    python_backend: Path
    stub: Path
    caches: Path
    libpython: Path

    @property
    def library_path(self) -> str:
        """The value that ``LD_LIBRARY_PATH`` must start with."""
        return f"{self.libraries}:{self.libpython}"


def installation() -> Installation:
    """Find everything, or raise ``ToolMissingError`` that says what to install."""
    check_platform(sys.platform, platform.machine(), platform.libc_ver())
    check_numpy(version_of("numpy"))
    package = find_package()
    root = package / "tritonserver"
    return Installation(
        server=existing(root / "bin" / "tritonserver"),
        libraries=existing(package.parent / "nvidia_pytriton.libs"),
        python_backend=existing(root / "backends" / "python"),
        stub=find_stub(root / "python_backend_stubs", sys.version_info[:2]),
        caches=existing(root / "caches"),
        libpython=find_libpython(library_folders(), sys.version_info[:2]),
    )


def check_platform(system: str, machine: str, libc: tuple[str, str]) -> None:
    """Raise ``ToolMissingError`` where the wheel does not run."""
    found = f"{system} on {machine}"
    name, version = libc
    old = name == "glibc" and tuple(map(int, version.split(".")[:2])) < GLIBC
    if old:
        found += f" with glibc {version}"
    if system != "linux" or machine != "x86_64" or old:
        raise ToolMissingError(
            f"the embedded tritonserver does not run here: this is {found}",
            why="nvidia-pytriton's wheel holds programs for Linux on x86_64, glibc 2.35 or newer",
            fix="serve the built repository in NVIDIA's container instead",
        )


def check_numpy(version: str | None) -> None:
    """Raise ``ToolMissingError`` unless models can exchange arrays with the server."""
    if version is None or int(version.split(".")[0]) >= 2:
        raise ToolMissingError(
            "the embedded engine needs numpy older than 2, "
            + (f"found {version}" if version else "found none"),
            why="the Python backend of the 24.10 release misreads the arrays of numpy 2",
            fix=INSTALL,
        )


def find_package() -> Path:
    """Return the folder of the package ``pytriton`` without importing it."""
    found = find_spec("pytriton")
    if found is None or not found.submodule_search_locations:
        raise ToolMissingError(
            "the embedded tritonserver is not installed",
            why="it comes with PyPI's nvidia-pytriton, in the extra `embedded`, "
            "for Python 3.10 to 3.12",
            fix=INSTALL,
        )
    return Path(found.submodule_search_locations[0])


def find_stub(stubs: Path, version: tuple[int, ...]) -> Path:
    """Return the program that runs Python models for an interpreter of this version."""
    text = ".".join(map(str, version))
    stub = stubs / text / "triton_python_backend_stub"
    if version >= (3, 13) or not stub.is_file():
        raise ToolMissingError(
            f"the embedded engine does not serve from Python {text}",
            why="the Python backend of the 24.10 release needs numpy older than 2, "
            "which Python 3.13 and newer cannot have",
            fix=f"make a virtual environment of Python 3.10, 3.11 or 3.12 and {INSTALL}",
        )
    return stub


def library_folders() -> list[Path]:
    """Return where this interpreter's shared library may be, likeliest first."""
    variables = sysconfig.get_config_vars("LIBDIR", "MULTIARCH")
    libdir, multiarch = (Path(str(value)) if value else None for value in variables)
    base = Path(sys.base_prefix) / "lib"
    folders = [libdir, base, libdir / multiarch if libdir and multiarch else None]
    return [folder for folder in folders if folder]


def find_libpython(folders: list[Path], version: tuple[int, ...]) -> Path:
    """Return the folder that holds the interpreter as a shared library."""
    name = f"libpython{'.'.join(map(str, version))}.so.1.0"
    for folder in folders:
        if (folder / name).is_file():
            return folder
    raise ToolMissingError(
        f"this Python has no {name}, which Python models are run with",
        why=f"looked in {', '.join(map(str, folders))}",
        fix="use a Python built with --enable-shared: the system's with its libpython package, "
        "uv's, conda's, or pyenv's with PYTHON_CONFIGURE_OPTS=--enable-shared",
    )


def existing(path: Path) -> Path:
    """Return the path, or raise ``ToolMissingError``: the wheel is another one than we know."""
    if not path.exists():
        raise ToolMissingError(
            f"nvidia-pytriton {version_of('nvidia-pytriton')} has no {path.name}",
            why=f"{path} does not exist",
            fix="pip install --force-reinstall nvidia-pytriton==0.7.0",
        )
    return path


def version_of(distribution: str) -> str | None:
    """Return the installed version, ``None`` if there is none.

    ``importlib.metadata`` says the same from the same names, ten times slower: it imports the
    parts of Python that read mail.
    """
    start = re.escape(distribution).replace(r"\-", "[-_]")
    name = re.compile(rf"(?i:{start})-([^-]+)(?:-py[0-9.]+)?\.(?:dist|egg)-info")
    for folder in sys.path:
        with suppress(OSError):
            for entry in os.listdir(folder or "."):  # noqa: PTH208, thousands of names
                if found := name.fullmatch(entry):
                    return found[1]
    return None
