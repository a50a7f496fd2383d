"""Looks for the shortest form of each model that builds it back."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tritongen.errors import SpecError
from tritongen.records.finding import Finding, Place
from tritongen.records.scalars import quote
from tritongen.records.tree import Entry, Tree
from tritongen.stages.adopt.compare import by_model, difference
from tritongen.stages.adopt.document import Document
from tritongen.stages.adopt.entries import address
from tritongen.stages.adopt.fields import UnsayableError
from tritongen.stages.adopt.findings import finding
from tritongen.stages.adopt.form import Difference, Form, longer, refused, shortest
from tritongen.stages.adopt.repository import CONFIG, Repository
from tritongen.stages.adopt.write import Allow, Entries, Writer


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """What a spec gives: the files it would write; ``check`` finds what is wrong with it."""

    tree: Tree
    check: Callable[[], tuple[Finding, ...]]


Rebuild = Callable[[str], Rebuilt]
"""Loads, probes, resolves and renders the text of a spec; raises ``SpecError``."""


@dataclass(frozen=True, kw_only=True)
class Adopted:
    """A spec, the forms that its models took, and what is to be said of the repository.

    ``external`` are the members of ensembles that are not in the spec, ``left_out`` the folders
    that look like models and could not be imported, ``different`` the models that the spec does
    not build back the same.
    """

    text: str
    forms: Mapping[str, Form]
    external: tuple[str, ...]
    left_out: tuple[str, ...]
    different: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass
class Search:
    """The forms tried so far: models first, then the ensembles that are wired to them."""

    repository: Repository
    base: Path
    rebuild: Rebuild
    forms: dict[str, Form] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    _last: tuple[str, Rebuilt] | None = None
    _entries: Entries = field(default_factory=dict)
    _proved: dict[str, Mapping[str, Entry]] = field(default_factory=dict)

    def run(self) -> None:
        """Find a form for every model, for most of them in one round."""
        folders = self.repository.models
        self.forms = {name: shortest(folder) for name, folder in folders.items()}
        ensembles = {name for name, form in self.forms.items() if form.as_ensemble}
        self._settle(self.forms.keys() - ensembles, with_all=False)
        self._settle(ensembles & self.forms.keys(), with_all=True)

    def finish(self) -> Adopted:
        """Build the spec as it will be written, and allow what is found in it."""
        if not self.forms:
            raise SpecError([*self.repository.findings, *self.findings])
        document = self._writer().document(self.forms)
        rebuilt = self._build(document.text)
        built = by_model(rebuilt.tree)
        different = tuple(name for name in self.forms if self._is_different(name, built))
        allow = _allow(document, rebuilt.check())  # what is found changes, what is built does not
        document = self._writer(allow).document(self.forms)
        external = self._writer().external(self.forms)
        absent = [self._absent(member, user) for member, user in external.items()]
        return Adopted(
            text=document.text,
            forms=self.forms,
            external=tuple(external),
            left_out=tuple(
                sorted({*self.repository.models, *self.repository.left_out} - {*self.forms})
            ),
            different=different,
            findings=(*self.repository.findings, *self.findings, *absent),
        )

    def _settle(self, waiting: set[str], *, with_all: bool) -> None:
        """Lengthen forms until all that are waiting build back; those that failed come last."""
        doubtful: set[str] = set()
        while True:
            self._drop_unsayable()
            waiting = waiting & self.forms.keys()
            if not waiting:
                return
            batch = waiting - doubtful or waiting
            document = self._writer().document(self.forms if with_all else batch)
            try:
                built = by_model(self._build(document.text).tree)
            except SpecError as error:
                named = self._named(document, error) & waiting
                if not named:
                    raise
                doubtful |= named
            else:
                failed = {name for name in batch if self._lengthen(name, built)}
                doubtful |= failed
                waiting = waiting - (batch - failed)

    def _writer(self, allow: Allow | None = None) -> Writer:
        return Writer(self.repository, self.forms, self.base, allow or {}, self._entries)

    def _build(self, text: str) -> Rebuilt:
        if self._last is None or self._last[0] != text:
            self._last = text, self.rebuild(text)
        return self._last[1]

    def _drop_unsayable(self) -> None:
        writer = self._writer()
        for name in list(self.forms):
            file = self.repository.models[name].path / CONFIG
            try:
                writer.entry(name)
            except UnsayableError as error:
                self._drop(name)
                self.findings.append(
                    finding("TG076", str(error), file, fix="change it in the config.pbtxt")
                )

    def _drop(self, name: str) -> None:
        del self.forms[name]
        self._entries.clear()  # others may have been wired to it

    def _named(self, document: Document, error: SpecError) -> set[str]:
        """Give every model that was refused another form, and return their names."""
        reasons: dict[str, str] = {}
        for found in error.findings:
            name = self._owner(document, found.place)
            if name is not None:
                shown = f"{address(self.repository.models[name].path, self.base)}/"
                reasons.setdefault(name, found.message.replace(shown, ""))
        for name, why in reasons.items():
            form = refused(self.forms[name], why)
            if form is None:
                self._drop(name)
                message = f"{quote(name)} can't be said in a spec: {why}"
                place = self.repository.models[name].path
                self.findings.append(finding("TG076", message, place, fix="correct the model"))
            else:
                self.forms[name] = form
        return set(reasons)

    def _owner(self, document: Document, place: Place | None) -> str | None:
        """Return the model that a place in its files, or in the spec, belongs to."""
        if place is None:
            return None
        inside = os.path.relpath(os.path.abspath(self.base / place.file), self.repository.path)  # noqa: PTH100
        name: str | None = inside.partition("/")[0]
        if name not in self.forms:
            name = document.entry_at(place.line)
        return name if name in self.forms else None

    def _lengthen(self, name: str, built: Mapping[str, Mapping[str, Entry]]) -> bool:
        """Tell whether a model came out differently and there is another form to try."""
        differs = self._difference(name, built)
        form = longer(self.forms[name], differs) if differs else None
        if form is not None:
            self.forms[name] = form
        return form is not None

    def _is_different(self, name: str, built: Mapping[str, Mapping[str, Entry]]) -> bool:
        differs = self._difference(name, built)
        if differs:
            message = f"{quote(name)} is not built back as it was: {differs}"
            place = self.repository.models[name].path
            self.findings.append(finding("TG078", message, place, fix="compare the two"))
        return bool(differs)

    def _difference(self, name: str, built: Mapping[str, Mapping[str, Entry]]) -> Difference:
        files = built.get(name, {})
        if self._proved.get(name) == files:
            return Difference()
        differs = difference(self.repository.models[name], files)
        if not differs:
            self._proved[name] = files
        return differs

    def _absent(self, member: str, ensemble: str) -> Finding:
        there = member in self.repository.models or member in self.repository.left_out
        what = "could not be imported" if there else "is not in the repository"
        return finding(
            "TG079",
            f"{quote(member)}, a member of {quote(ensemble)}, {what}",
            self.repository.models[ensemble].path / CONFIG,
            severity="note",
            fix="it is declared with external: true",
        )


def _allow(document: Document, findings: Iterable[Finding]) -> Allow:
    """Return what each entry has to allow, with what is found as the reason."""
    found: dict[str, dict[str, list[str]]] = {}
    for one in findings:
        name = document.entry_at(one.place.line) if one.place else None
        if name is not None and one.severity != "note":
            found.setdefault(name, {}).setdefault(one.code, []).append(one.message)
    return {name: dict(_reasons(codes)) for name, codes in found.items()}


def _reasons(codes: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
    for code, messages in codes.items():
        more = f" (and {len(messages) - 1} more)" if len(messages) > 1 else ""
        yield code, f"as imported: {messages[0]}{more}"
