"""Model files, Python steps and other files become facts; nothing of them is run."""

from pathlib import Path
from typing import Literal

from tritongen.errors import SpecError
from tritongen.parts.sources import Progress, Search
from tritongen.records.facts import Facts, FileFacts, ModelFacts, StepFacts
from tritongen.records.finding import SpecPath
from tritongen.records.paths import CACHE
from tritongen.records.release import releases
from tritongen.records.spec import Model, Servable, Source, Spec
from tritongen.stages.probe.cache import Cache
from tritongen.stages.probe.extras import read_files, read_labels
from tritongen.stages.probe.mistakes import Mistakes
from tritongen.stages.probe.models import read_empty, read_model
from tritongen.stages.probe.steps import read_step

__all__ = ["probe"]


def _quiet(name: str, have_bytes: int, size_bytes: int | None) -> None:
    """Nobody is told how a download gets on."""


def probe(spec: Spec, root: Path, *, fetch: bool = True, progress: Progress = _quiet) -> Facts:
    """Read everything that ``spec`` refers to.

    Facts are kept in ``root/.tritongen/cache``: a file whose size, times and inode are the same
    is not read again. Without ``fetch``, what was not downloaded yet is a mistake.
    Raises ``SpecError`` with the findings of all models, ``HostError`` if this machine fails.
    """
    reader = _Reader(spec, root, fetch=fetch, progress=progress)
    for name, model in spec.models.items():
        if not model.external:
            reader.read(name, model)
            reader.read_files(("models", name), model)
    for name, ensemble in spec.ensembles.items():
        reader.read_files(("ensembles", name), ensemble)
    reader.cache.save()
    reader.mistakes.refuse()
    return reader.facts()


class _Reader:
    """What was read so far, and what was wrong."""

    def __init__(self, spec: Spec, root: Path, *, fetch: bool, progress: Progress) -> None:
        folder = root.absolute() / CACHE
        self._root = root.resolve()
        self.cache = Cache(folder / "facts.json")
        self.mistakes = Mistakes(spec.places)
        self._spec = spec
        self._downloads = folder / "downloads"
        self._fetch = fetch
        self._progress = progress
        release = releases().get(spec.triton)
        self._python = release.python if release else None
        self._models: dict[str, dict[int, ModelFacts]] = {}
        self._steps: dict[str, StepFacts] = {}
        self._files: dict[str, dict[str, FileFacts]] = {}
        self._labels: dict[str, dict[str, tuple[str, ...]]] = {}

    def facts(self) -> Facts:
        return Facts(models=self._models, steps=self._steps, files=self._files, labels=self._labels)

    def read(self, name: str, model: Model) -> None:
        path = ("models", name)
        if model.python is not None:
            self._read_step(name, model.python)
        else:
            self._read_versions(name, model)
        for output, said in model.labels.items():
            where = (*path, "labels", output)
            with self.mistakes.at(*where):
                lines = read_labels(said, self._search(where))
                self._labels.setdefault(name, {})[output] = lines

    def read_files(self, path: tuple[str, str], entry: Servable) -> None:
        for file, source in entry.files.items():
            where = (*path, "files", file)
            with self.mistakes.at(*where):
                self._refuse_output(source, where)
                found = read_files(file, source, self._search(where), self.cache)
                self._files.setdefault(path[1], {}).update(found)

    def _read_step(self, name: str, reference: str) -> None:
        where = ("models", name, "python")
        with self.mistakes.at(*where):
            self._steps[name] = read_step(reference, self._spec.base(*where), self._python)

    def _read_versions(self, name: str, model: Model) -> None:
        path = ("models", name)
        sources: dict[int, tuple[Source | Literal["none"], SpecPath]] = {
            version: (source, (*path, "versions", version))
            for version, source in model.versions.items()
        }
        if model.source is not None:
            sources[1] = (model.source, (*path, "source"))
        for version, (source, where) in sources.items():
            with self.mistakes.at(*where):
                if source == "none":
                    facts = read_empty(model)
                else:
                    self._refuse_output(source, where)
                    facts = read_model(source, model.config, self._search(where), self.cache)
                self._models.setdefault(name, {})[version] = facts

    def _refuse_output(self, source: Source, where: SpecPath) -> None:
        """Refuse a folder that holds what is built from it: it would grow with every build."""
        folder = self._spec.base(*where) / source.path
        if folder.is_dir() and self._root.is_relative_to(folder.resolve()):
            raise SpecError.of(
                "TG060",
                f"the folder {source.path} holds the folder that is built into",
                why="each build would place what the one before it has written",
                fix="put the model's files into a folder of their own, or build elsewhere with -o",
            )

    def _search(self, where: SpecPath) -> Search:
        return Search(
            base=self._spec.base(*where),
            downloads=self._downloads,
            fetch=self._fetch,
            progress=self._progress,
        )
