"""Files beside the model: ``files:`` and ``labels:``."""

from tritongen.errors import SpecError
from tritongen.parts import sources
from tritongen.parts.sources import Search
from tritongen.records.facts import FileFacts
from tritongen.records.spec import Source
from tritongen.stages.probe.cache import Cache
from tritongen.stages.probe.folder import walk
from tritongen.stages.probe.models import verify


def read_files(path: str, source: Source, search: Search, cache: Cache) -> dict[str, FileFacts]:
    """Return one entry of ``files:`` by path in the model's folder; a folder is all its files."""
    located = sources.locate(source, search)
    verify(source, located, cache)
    if not located.is_dir():
        return {path: cache.file(located)}
    shown = sources.shown(source.path)
    return {f"{path}/{file}": cache.file(where) for file, where in walk(located, shown)}


def read_labels(said: str | tuple[str, ...], search: Search) -> tuple[str, ...]:
    """Return the labels of an output: the list, or the lines of the file that was said."""
    if not isinstance(said, str):
        return said
    if not said or "\0" in said:
        raise SpecError.of("TG050", f"{said!r} is no path of a file of labels")
    located = sources.locate(Source(path=said), search)
    if not located.is_file():
        what = "a folder" if located.is_dir() else "a pipe or a device"
        raise SpecError.of("TG050", f"{said} is {what}, not a file of labels")
    try:
        text = located.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"the labels in {said} are not UTF-8 text: {error}"
        raise SpecError.of("TG060", message, fix="save the file as UTF-8") from error
    # Only line feeds end a label in Triton; str.splitlines would split at form feeds, too.
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return tuple(lines[:-1] if lines[-1] == "" else lines)
