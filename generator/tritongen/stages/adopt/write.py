"""Writes the spec of a repository from the forms of its models."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tritongen.formats import yaml
from tritongen.formats.yaml import Value
from tritongen.records.messages import ModelConfig
from tritongen.records.release import releases
from tritongen.records.scalars import NAME, quote
from tritongen.records.views import used_fields
from tritongen.stages.adopt.document import Document, name_of, write_document
from tritongen.stages.adopt.entries import ensemble_entry, model_entry
from tritongen.stages.adopt.fields import UnsayableError
from tritongen.stages.adopt.form import Form
from tritongen.stages.adopt.repository import Repository

Allow = Mapping[str, Mapping[str, str]]
"""Findings that an entry silences: model -> code -> reason."""
Entries = dict[str, tuple[Form, list[str]]]
"""Lines of the entries that were written, by name, each with the form that it has."""

DEFAULT_RELEASE = "24.10"
USUAL_NAMES = frozenset(
    {"model_repository", "model-repository", "model_repo", "models", "repository"}
)
"""Names of repositories that say nothing; the folder around it has a better one."""


@dataclass(frozen=True)
class Writer:
    """Writes entries of models by their forms; paths start at the folder ``base``."""

    repository: Repository
    forms: Mapping[str, Form]
    base: Path
    allow: Allow
    entries: Entries

    def entry(self, name: str) -> list[str]:
        """Return the lines of an entry, those of last time if its form is the same.

        Raises ``UnsayableError`` if it holds what no spec can say.
        """
        form, allow = self.forms[name], self.allow.get(name, {})
        last = self.entries.get(name)
        if last is None or last[0] is not form or allow:
            value = self._value(name, form, allow)
            last = self.entries[name] = form, yaml.entry(name, value, indent=2)
        return last[1]

    def _value(self, name: str, form: Form, allow: Mapping[str, str]) -> Value:
        folder = self.repository.models[name]
        for step in folder.config.ensemble_scheduling.step:
            if not NAME.fullmatch(step.model_name):
                raise UnsayableError(
                    f"a step names {quote(step.model_name)}, which no model can be"
                )
        write = ensemble_entry if form.as_ensemble else model_entry
        return write(folder, form, self.base, self._configs, allow)

    def document(self, names: Iterable[str]) -> Document:
        """Return the spec of some models and of all that they are wired to."""
        wanted = self._with_members(names)
        models: dict[str, list[str]] = {}
        ensembles: dict[str, list[str]] = {}
        for name in sorted(wanted):
            if self.forms[name].as_ensemble:
                ensembles[name] = self.entry(name)
            else:
                models[name] = self.entry(name)
        head = self._head(models, ensembles)
        for name, user in self.external(wanted).items():
            allowed = self.allow.get(name)
            said: Value = {"external": "true", **({"allow": dict(allowed)} if allowed else {})}
            comment = f"a member of {user} that is not here"
            models[name] = yaml.entry(name, said, indent=2, comment=comment)
        return write_document(
            head=head, keys=self._keys(wanted), models=models, ensembles=ensembles
        )

    def external(self, names: Iterable[str]) -> dict[str, str]:
        """Return the members that are not in the spec, each with an ensemble that wants it."""
        return {
            step.model_name: name
            for name in sorted(names)
            for step in self.repository.models[name].config.ensemble_scheduling.step
            if step.model_name not in self.forms
        }

    def _with_members(self, names: Iterable[str]) -> set[str]:
        wanted: set[str] = set()
        left = list(names)
        while left:
            name = left.pop()
            if name in wanted or name not in self.forms:
                continue
            wanted.add(name)
            steps = self.repository.models[name].config.ensemble_scheduling.step
            left += [step.model_name for step in steps]
        return wanted

    @cached_property
    def _configs(self) -> dict[str, ModelConfig]:
        return {name: self.repository.models[name].config for name in self.forms}

    def _head(self, models: Iterable[str], ensembles: Iterable[str]) -> list[str]:
        counts = [(len(list(models)), "model"), (len(list(ensembles)), "ensemble")]
        said = [f"{count} {word}{'s' * (count != 1)}" for count, word in counts if count]
        return [
            f"Imported by tritongen from {self.repository.path.name}: {' and '.join(said)}.",
            "What the files and the wires say is left out; `tritongen explain` shows all of it.",
        ]

    def _keys(self, names: Iterable[str]) -> dict[str, str]:
        path = self.repository.path.absolute()
        named = path.parent if path.name in USUAL_NAMES and path.parent.name else path
        keys = {"name": name_of(named.name)}
        tag = _release(self.repository.models[name].config for name in names)
        return keys if tag == DEFAULT_RELEASE else {**keys, "triton": tag}


def _release(configs: Iterable[ModelConfig]) -> str:
    """Return the first release from the default on that has every field in use."""
    fields = {field for config in configs for field in used_fields(config)}
    for tag, release in releases().items():
        if tag >= DEFAULT_RELEASE and not any(release.lacks(field) for field in fields):
            return tag
    return DEFAULT_RELEASE
