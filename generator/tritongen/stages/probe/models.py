"""A source becomes the files of a version folder and what its model file says."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from tritongen.errors import SpecError
from tritongen.parts import backends, sources
from tritongen.parts.backends import Backend, Format
from tritongen.parts.backends._unread import placed, unread
from tritongen.parts.sources import Search
from tritongen.records.facts import Inspection, ModelFacts
from tritongen.records.messages import ModelConfig
from tritongen.records.spec import Model, Source
from tritongen.records.tree import check_path
from tritongen.stages.probe.cache import Cache
from tritongen.stages.probe.folder import walk


def read_empty(model: Model) -> ModelFacts:
    """Return the facts of ``source: none``: an empty version folder."""
    backend = backends.name_of(model.config)
    if not backend and model.complete:
        raise SpecError.of(
            "TG055",
            "source: none leaves nothing that tells the backend",
            fix="say backend: NAME",
        )
    return ModelFacts(backend=backend, files={})


def read_model(source: Source, config: ModelConfig, search: Search, cache: Cache) -> ModelFacts:
    """Return one version of a model: its files by path in the version folder, and its tensors."""
    shown = sources.shown(source.path)
    located = sources.locate(source, search)
    verify(source, located, cache)
    backend = backends.find(config) if backends.name_of(config) else _guess(located, shown)
    form = _format(backend, config, located)
    default = _default_file(config, form, located)
    if located.is_dir():
        files = _folder(located, default, form, shown)
    else:
        _require_suffix(config, backend, form, located, shown)
        files = {default: located, **_beside(located, default, form)}
    inspection = Inspection()
    if form is not None and (form.needed or form.file in files):
        model = _model_file(files, default, form, backend.name, shown)
        inspection = cache.inspect(files[model], form, shown)
        files |= _data_files(files[model], model, inspection.data_files, shown)
        inspection = backend.refine(config, inspection)
    return ModelFacts(
        backend=backend.name,
        files={file: cache.file(where) for file, where in sorted(files.items())},
        settings=backend.settings(form) if form is not None else {},
        inputs=inspection.inputs,
        outputs=inspection.outputs,
        arguments=inspection.arguments,
        ir_version=inspection.ir_version,
        opsets=inspection.opsets,
    )


def _guess(located: Path, shown: str) -> Backend:
    found = backends.guess(located)
    if found is not None:
        return found
    near = backends.near(located.suffix.lower()) if located.suffix else []
    raise SpecError.of(
        "TG055",
        f"the backend can't be told from {shown}: known suffixes are "
        f"{', '.join(backends.suffixes())}",
        why="Triton needs to know what runs the model",
        fix=f"say backend: {near[0] if near else 'NAME'}",
    )


def _format(backend: Backend, config: ModelConfig, located: Path) -> Format | None:
    names = [located.name]
    if located.is_dir():
        there = [
            form.file
            for form in backend.formats
            if (located / form.inner).is_file() or (located / form.file).exists()
        ]
        names = [*there, *names, *sorted(entry.name for entry in located.iterdir())]
    return backend.format(config, names)


def _default_file(config: ModelConfig, form: Format | None, located: Path) -> str:
    """Return what Triton will look for in the version folder."""
    said = config.default_model_filename
    if not said:
        return form.file if form is not None else located.name
    try:
        check_path(said)
    except ValueError as error:
        raise SpecError.of("TG060", f"default_model_filename: {error}") from error
    return said


def _require_suffix(
    config: ModelConfig, backend: Backend, form: Format | None, located: Path, shown: str
) -> None:
    """A file that is placed unread may at least not be renamed to what it is not."""
    blind = form is not None and form.inspect in (unread, placed)
    if not blind or config.default_model_filename or not located.suffix:
        return
    if form is None or form.named(located.name):
        return
    raise SpecError.of(
        "TG060",
        f"the {backend.name} backend loads {form.file}, but the source is {shown}",
        why="it would be placed under that name",
        fix=f"say default_model_filename: {located.name}",
    )


def _beside(located: Path, default: str, form: Format | None) -> dict[str, Path]:
    """Return the files that belong to a model and differ from it in their suffix only."""
    found = {}
    for suffix in form.beside if form is not None else ():
        where = located.with_suffix(suffix)
        if where.is_file():
            found[str(PurePosixPath(default).with_suffix(suffix))] = where
    return found


def _folder(located: Path, default: str, form: Format | None, shown: str) -> dict[str, Path]:
    """A folder is the version folder, or in it what the backend calls a model (a SavedModel)."""
    files = dict(walk(located, shown))
    if not files:
        raise SpecError.of("TG050", f"the folder {shown} is empty")
    suffix = PurePosixPath(default).suffix
    whole = bool(suffix) and located.suffix == suffix
    inner = form is not None and form.inner != form.file and form.inner in files
    if whole or inner:
        files = {f"{default}/{file}": where for file, where in files.items()}
    return files


def _model_file(
    files: Mapping[str, Path], default: str, form: Format, backend: str, shown: str
) -> str:
    for file in (default, f"{default}/{form.inner}"):
        if file in files:
            return file
    others = sorted(file for file in files if form.named(file))
    there = f"; there is {', '.join(others[:5])}" if others else ""
    raise SpecError.of(
        "TG060",
        f"the folder {shown} has no {default}{there}",
        why=f"that is what the {backend} backend loads from the version folder",
        fix=f"say default_model_filename: {others[0]}" if others else f"add {default} to it",
    )


def _data_files(model: Path, placed: str, needed: Mapping[str, int], shown: str) -> dict[str, Path]:
    """Return the files that hold a model's weights, by their path in the version folder."""
    found = {}
    for location, size_bytes in needed.items():
        try:
            check_path(location)
        except ValueError as error:
            raise SpecError.of(
                "TG058",
                f"{shown} keeps weights in {location!r}, which is not below its own folder",
                why="ONNX Runtime refuses data files outside of the model's folder",
                fix="export the model again, with its data file beside it",
            ) from error
        where = model.parent / location
        target = str(PurePosixPath(placed).parent / location)
        if not where.is_file():
            raise SpecError.of(
                "TG058",
                f"{shown} keeps weights in {location}, which is not there ({where})",
                fix="put that file beside the model",
            )
        if where.stat().st_size < size_bytes:
            raise SpecError.of(
                "TG058",
                f"{shown} needs {size_bytes:,} bytes of {location}, "
                f"which has {where.stat().st_size:,}",
                why="the file is cut short, or belongs to another model",
                fix="copy or export model and data file again",
            )
        if target == placed:
            raise SpecError.of(
                "TG060",
                f"{shown} keeps weights in {location}, the name that the model itself gets",
                fix=f"say default_model_filename: {model.name}",
            )
        found[target] = where
    return found


def verify(source: Source, located: Path, cache: Cache) -> None:
    """Raise ``SpecError`` unless the bytes are those that ``sha256`` promises, if it is said."""
    shown = sources.shown(source.path)
    if source.sha256 is None:
        return
    if located.is_dir():
        raise SpecError.of(
            "TG054",
            f"sha256 is said, but {shown} is a folder",
            why="a folder has no hash of its own",
            fix="remove sha256",
        )
    found = cache.file(located).sha256
    if found != source.sha256:
        raise SpecError.of(
            "TG054",
            f"{shown} has sha256 {found}, but the spec says {source.sha256}",
            why="this is not the file that the spec was written for",
            fix="find out what changed; if it may, correct sha256",
        )
