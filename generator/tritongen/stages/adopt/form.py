"""How much of a model its entry in the spec says: as little as builds the same model back."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from tritongen.parts import backends
from tritongen.records.messages import ModelConfig
from tritongen.stages.adopt.pyfiles import plain_step
from tritongen.stages.adopt.repository import Folder

Origin = Literal["step", "python", "file", "folder", "files"]
"""Where the bytes come from: a plain function, a Python file, the one file of a version folder,
the version folders, or every file of the model, placed as it is and not read."""
ORIGINS: tuple[Origin, ...] = ("step", "python", "file", "folder", "files")

Detail = Literal["left out", "names", "whole"]
"""How much of a field is said; only tensors can be said by name."""

SILENT = frozenset({"backend", "max_batch_size", "dynamic_batching", "input", "output"})
"""The fields that a file, a default or the wires may know, so that an entry can leave them out."""
TOGETHER = {
    "max_batch_size": ("max_batch_size", "dynamic_batching"),
    "dynamic_batching": ("max_batch_size", "dynamic_batching"),
    "backend": ("backend",),
}
"""What to say when a field came out differently; tensors depend on it, and are seen to later."""
READABLE = (".onnx", ".xml", "saved_model.pb")
"""Files whose tensors are probably read; of others, tensors are said at once."""
DEFAULT_BATCH_SIZE = 4
"""With an empty dynamic batcher, what a file that can batch gets when nothing is said."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How a model that was built back differs: fields, and files by path in its folder.

    ``empty`` are the fields among them that came out with nothing in them.
    """

    fields: frozenset[str] = frozenset()
    empty: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.fields or self.missing or self.changed)

    def __str__(self) -> str:
        return ", ".join(sorted(self.fields | self.missing | self.changed))


@dataclass(frozen=True, kw_only=True)
class Form:
    """One way to say a model; ``why`` is what shorter ones were refused for.

    ``as_ensemble``: its steps are wired here, not copied. ``said`` holds how much is said of the
    silent fields, ``added`` the files that are named one by one.
    """

    as_ensemble: bool = False
    origin: Origin = "folder"
    labels: bool = False
    complete: bool = True
    said: Mapping[str, Detail] = field(default_factory=dict)
    added: frozenset[str] = frozenset()
    why: str = ""

    def detail(self, name: str) -> Detail:
        """Tell how much of a field is said."""
        usual: Detail = "left out" if self.complete and name in SILENT else "whole"
        return self.said.get(name, usual)


def shortest(folder: Folder) -> Form:
    """Return the form to try first."""
    config = folder.config
    if config.platform == "ensemble" and config.ensemble_scheduling.step:
        return Form(as_ensemble=True)
    is_told = bool(config.backend or config.platform)
    origin = _origin(folder) if is_told else _placed(folder)
    return Form(
        origin=origin,
        labels=_one_file_each(config),
        complete=is_told and bool(config.input and config.output),
        said=dict.fromkeys(SILENT, "whole") if origin == "files" else _said(folder),
    )


def _said(folder: Folder) -> dict[str, Detail]:
    """Say what no file and no default will know, as far as that can be seen from here."""
    config = folder.config
    said: dict[str, Detail] = {}
    if not _is_default(config):
        said |= {"max_batch_size": "whole"} if config.max_batch_size else {}
        said |= {"dynamic_batching": "whole"} if config.HasField("dynamic_batching") else {}
    if config.backend and not _tells_backend(folder):
        said["backend"] = "whole"
    if not _tells_tensors(folder):
        said |= {"input": "whole", "output": "whole"}
    return said


def _is_default(config: ModelConfig) -> bool:
    is_plain = config.HasField("dynamic_batching") and not config.dynamic_batching.ListFields()
    return is_plain and config.max_batch_size == DEFAULT_BATCH_SIZE


def _tells_backend(folder: Folder) -> bool:
    guesses = (backends.guess(folder.path / str(version)) for version in folder.versions)
    names = [guess.name if guess else "" for guess in guesses]
    return not folder.config.platform and set(names) == {folder.config.backend}


def _tells_tensors(folder: Folder) -> bool:
    return any(file.endswith(READABLE) and "/" in file for file in folder.files)


def _one_file_each(config: ModelConfig) -> bool:
    files = [tensor.label_filename for tensor in config.output if tensor.label_filename]
    return bool(files) and len(set(files)) == len(files)


def _origin(folder: Folder) -> Origin:
    if folder.versions == (1,) and folder.config.backend == "python":
        if plain_step(folder) is not None:
            return "step"
        if set(folder.below("1")) == {"model.py"}:
            return "python"
    return _placed(folder)


def _placed(folder: Folder) -> Origin:
    each = [folder.below(str(version)) for version in folder.versions]
    if any(str(version) not in folder.whole for version in folder.versions):
        return "files"
    alone = all(len(files) <= 1 and not any("/" in file for file in files) for files in each)
    return "file" if alone else "folder"


def longer(form: Form, difference: Difference) -> Form | None:
    """Return a form that says more where the model came out differently, or ``None``."""
    if difference.changed or difference.missing & form.added:
        return refused(form, f"else {difference} would differ")
    if difference.missing:
        return replace(form, added=form.added | difference.missing)
    silent: dict[str, Detail] = {
        name: "whole"
        for different in difference.fields
        for name in TOGETHER.get(different, ())
        if form.detail(name) == "left out"
    }
    more = silent or _more_tensors(form, difference)
    if more:
        return replace(form, said={**form.said, **more})
    if form.complete and not form.as_ensemble:
        whole: dict[str, Detail] = {n: d for n, d in form.said.items() if d == "whole"}
        return replace(form, complete=False, said=whole)
    return _placed_unread(form, f"else {difference} would differ")


def _more_tensors(form: Form, difference: Difference) -> dict[str, Detail]:
    fields = difference.fields
    if form.as_ensemble and "ensemble_scheduling" in fields:
        # Said, they leave optional inputs and unread outputs of the steps unconnected.
        fields |= {"input", "output"}
    return {
        name: "whole" if form.detail(name) == "names" or name in difference.empty else "names"
        for name in ("input", "output")
        if name in fields and form.detail(name) != "whole"
    }


def refused(form: Form, why: str) -> Form | None:
    """Return another form for a model of which this one was refused, or ``None``."""
    if form.labels:
        return replace(form, labels=False)
    if form.as_ensemble or form.origin in ("folder", "files"):
        return _placed_unread(form, why)
    following = ORIGINS[ORIGINS.index(form.origin) + 1]
    return replace(form, origin=following, added=frozenset())


def _placed_unread(form: Form, why: str) -> Form | None:
    """Return the last form: every field as it is, every file placed; ``None`` if this is it."""
    if form.origin == "files" and not form.as_ensemble:
        return None
    return Form(
        origin="files", complete=form.complete, said=dict.fromkeys(SILENT, "whole"), why=why
    )
