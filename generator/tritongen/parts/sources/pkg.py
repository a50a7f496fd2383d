"""``pkg://package/path``: a file that an installed Python package carries; none of it is run."""

from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from tritongen.errors import SpecError
from tritongen.parts.sources._search import Search
from tritongen.parts.sources.path import require
from tritongen.records.spec import Source


def locate(source: Source, search: Search) -> Path:
    """Return the file or folder below the package's own folder."""
    package, *rest = source.path.partition("://")[2].split("/")
    inside = PurePosixPath(*rest)
    if not package.isidentifier() or ".." in rest or inside.is_absolute():
        raise SpecError.of(
            "TG052",
            f"{source.path} is not pkg://package/path/in/the/package",
            fix="begin with the name that Python imports, such as pkg://magika/models/model.onnx",
        )
    folders = _folders(package, source.path)
    for folder in folders:
        if (folder / inside).exists():
            return folder / inside
    require(folders[0] / inside, source.path)
    raise AssertionError("unreachable: the path does not exist")


def _folders(package: str, shown: str) -> list[Path]:
    spec = _find(package)
    if spec is None:
        raise SpecError.of(
            "TG052",
            f"the package {package!r} of {shown} is not installed in this environment",
            fix=f"install it beside tritongen: pip install {package}",
        )
    folders = [Path(entry) for entry in spec.submodule_search_locations or ()]
    if not any(folder.is_dir() for folder in folders):
        raise SpecError.of("TG052", f"{package!r} of {shown} is a module without a folder")
    return folders


def _find(package: str) -> ModuleSpec | None:
    """Finding a top-level package runs nothing of it; a dotted name would import its parents."""
    try:
        return find_spec(package)
    except ValueError:  # __main__ has no spec
        return None
