"""Reads a model repository as it stands; nothing in it is changed or run."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tritongen.errors import SpecError
from tritongen.records.finding import Finding
from tritongen.records.messages import ModelConfig
from tritongen.records.scalars import NAME, quote
from tritongen.records.spec import VERSION
from tritongen.records.tree import SKIPPED, check_path
from tritongen.stages.adopt.configs import read_config
from tritongen.stages.adopt.findings import finding

CONFIG = "config.pbtxt"
EMPTY_VERSION = ".gitkeep"
LARGEST_VERSION = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A model's folder: its configuration, its version folders, and every other file by path.

    ``config`` has no name; it is empty where there is no ``config.pbtxt``. ``whole`` are the
    folders all of whose files could be read, so that they can be carried over as one.
    """

    name: str
    path: Path
    config: ModelConfig
    has_config: bool
    versions: tuple[int, ...]
    files: Mapping[str, Path]
    whole: frozenset[str]

    @cached_property
    def empty_versions(self) -> frozenset[int]:
        """The version folders with nothing in them, but for a file that keeps one in Git."""
        return frozenset(
            version
            for version in self.versions
            if not any(
                file != EMPTY_VERSION or path.stat().st_size
                for file, path in self.below(str(version)).items()
            )
        )

    def below(self, folder: str) -> dict[str, Path]:
        """Return the files inside one of its folders, by path in that folder."""
        prefix = f"{folder}/"
        return {
            file.removeprefix(prefix): path
            for file, path in self.files.items()
            if file.startswith(prefix)
        }


@dataclass(frozen=True, kw_only=True)
class Repository:
    """All models of a repository by name, and what is wrong with it.

    ``left_out`` are the folders that should be models and can't be imported.
    """

    path: Path
    models: Mapping[str, Folder]
    left_out: frozenset[str]
    findings: tuple[Finding, ...]


def read_repository(path: Path) -> Repository:
    """Read every model below ``path``; what can't be imported is a finding.

    Raises ``SpecError`` if ``path`` is no folder with models in it.
    """
    _require(path)
    findings: list[Finding] = []
    models: dict[str, Folder] = {}
    left_out = set()
    for folder in sorted(_folders(path, findings)):
        model = None
        if not NAME.fullmatch(folder.name):
            findings.append(_misnamed(folder))
        else:
            model = _read_model(folder, findings)
        if model is None:
            left_out.add(folder.name)
        else:
            models[folder.name] = model
    if not models:
        raise SpecError([*findings, *_none(path, findings)])
    return Repository(
        path=path, models=models, left_out=frozenset(left_out), findings=tuple(findings)
    )


def _require(path: Path) -> None:
    if not path.exists():
        raise SpecError(f"{path} does not exist", fix="give the folder that Triton is started with")
    if not path.is_dir():
        raise SpecError(f"{path} is no folder", fix="give the folder that Triton is started with")
    if not os.access(path, os.R_OK | os.X_OK):
        raise SpecError(f"{path} may not be read by you", fix="give yourself the right: chmod u+rx")
    if (path / CONFIG).is_file():
        raise SpecError(
            f"{path} is one model, not a repository",
            why="it has a config.pbtxt of its own",
            fix=f"give the folder around it: {path.parent}",
        )


def _none(path: Path, findings: list[Finding]) -> Iterator[Finding]:
    """Say that there is no model, unless that was said of each."""
    if any(found.severity == "error" for found in findings):
        return
    inside = sorted(p.parents[1] for p in path.glob(f"*/*/{CONFIG}")) or [
        p.parents[1] for p in sorted(path.glob(f"*/*/*/{CONFIG}"))
    ]
    yield finding(
        "TG072",
        f"no folder in {path} is a model",
        path,
        why="a model is a folder with a config.pbtxt or a version folder in it",
        fix=f"did you mean {inside[0]}?"
        if inside
        else "give the folder that Triton is started with",
    )


def _folders(path: Path, findings: list[Finding]) -> Iterator[Path]:
    for folder in path.iterdir():
        if not folder.is_dir() or folder.name in SKIPPED:
            continue
        if not _is_model(folder):
            message = f"{quote(folder.name)} is no model: neither config.pbtxt nor a version folder"
            findings.append(finding("TG072", message, folder, severity="note"))
        else:
            yield folder


def _misnamed(folder: Path) -> Finding:
    return finding(
        "TG074",
        f"{quote(folder.name)} cannot be the name of a model",
        folder,
        why="it is a part of URLs that Triton does not decode",
        fix="rename the folder: letters, digits, `.`, `_` and `-`, not one of these first",
    )


def _is_model(folder: Path) -> bool:
    try:
        names = {entry.name for entry in os.scandir(folder)}
    except OSError:
        return True
    return CONFIG in names or "configs" in names or any(map(VERSION.fullmatch, names))


def _read_model(folder: Path, findings: list[Finding]) -> Folder | None:
    config = ModelConfig()
    file = folder / CONFIG
    if os.path.lexists(file):
        read, found = read_config(file)
        findings += found
        if read is None:
            return None
        config = read
    if config.name and config.name != folder.name:
        findings.append(
            finding(
                "TG073",
                f"the model in {quote(folder.name)} calls itself {quote(config.name)}",
                file,
                severity="note",
                why="Triton refuses a name that is not the folder's; the spec has the folder's",
            )
        )
    config.ClearField("name")
    walk = _Walk(folder, findings)
    walk.into(folder, "", (os.path.realpath(folder),))
    walk.files.pop(CONFIG, None)
    versions = sorted(int(name) for name in walk.top if _is_version(name))
    _tell_ignored(folder, walk.top, findings)
    return Folder(
        name=folder.name,
        path=folder,
        config=config,
        has_config=file.is_file(),
        versions=tuple(versions),
        files=walk.files,
        whole=frozenset(walk.top - walk.broken),
    )


def _is_version(name: str) -> bool:
    return VERSION.fullmatch(name) is not None and int(name) <= LARGEST_VERSION


def _tell_ignored(folder: Path, names: set[str], findings: list[Finding]) -> None:
    for name in sorted(names):
        digits = name.lower().removeprefix("v").removeprefix("_")
        if digits[:1].isdigit() and not _is_version(name):
            findings.append(
                finding(
                    "TG077",
                    f"{quote(name)} in {quote(folder.name)} is no version for Triton",
                    folder / name,
                    severity="note",
                    why="a version folder is a number without leading zeros",
                )
            )


@dataclass
class _Walk:
    """The files below a model's folder, and its top folders; links are followed."""

    folder: Path
    findings: list[Finding]
    files: dict[str, Path] = field(default_factory=dict)
    top: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)

    def into(self, folder: Path, prefix: str, above: tuple[str, ...]) -> None:
        """Read one folder; ``above`` are the real paths of those around it."""
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self._leave_out(prefix.rstrip("/"), folder, f"can't be read: {error.strerror}")
            return
        for entry in entries:
            if entry.name not in SKIPPED:
                self._take(Path(entry.path), f"{prefix}{entry.name}", above)

    def _take(self, path: Path, name: str, above: tuple[str, ...]) -> None:
        if path.is_dir():
            real = os.path.realpath(path)
            if "/" not in name:
                self.top.add(name)
            if real in above:
                self._leave_out(name, path, "is a link to a folder above it")
            else:
                self.into(path, f"{name}/", (*above, real))
        elif not path.is_file():
            what = "a link to nothing" if path.is_symlink() else "neither a file nor a folder"
            self._leave_out(name, path, f"is {what}")
        elif not os.access(path, os.R_OK):
            self._leave_out(name, path, "may not be read by you")
        else:
            try:
                check_path(name)
            except ValueError:
                self._leave_out(name, path, "has a name that a spec can't hold")
            else:
                self.files[name] = path

    def _leave_out(self, name: str, path: Path, what: str) -> None:
        self.broken.add(name.split("/", maxsplit=1)[0])
        shown = Path(str(path).encode("utf-8", "replace").decode())
        message = f"{quote(str(shown.relative_to(self.folder.parent)))} {what}, and is left out"
        self.findings.append(finding("TG075", message, shown, severity="warning"))
