"""What is known about a backend: data, and a few functions."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from tritongen.records.facts import Inspection
from tritongen.records.messages import ModelConfig

Inspect = Callable[[Path, str], Inspection]
"""What a file says, by its path and its name in messages; ``SpecError`` if it can't be loaded."""


@dataclass(frozen=True)
class Values:
    """What a parameter may hold: ``words`` tell it, ``pattern`` matches all that is accepted."""

    words: str
    pattern: str = ".*"

    def accept(self, text: str) -> bool:
        """Tell whether the backend takes ``text``."""
        return re.fullmatch(self.pattern, text, re.IGNORECASE | re.DOTALL) is not None


TEXT = Values("any text")
FLAG = Values("true or false", "true|on|1|false|off|0")
NUMBER = Values("a whole number", r"\s*[+-]?\d.*")
"""Triton reads the digits at the start and does not look at the rest."""


def one_of(*names: str) -> Values:
    """Return the values of a parameter that takes one of ``names``, in any case."""
    return Values(" or ".join((", ".join(names[:-1]), names[-1])), "|".join(map(re.escape, names)))


Section = Literal["input", "output"]
Batches = Literal["maybe", "always", "never"]
"""Whether ``max_batch_size`` may be, has to be or can't be above 0."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """A kind of model file.

    ``file`` is what Triton looks for in the version folder, a file or a folder; in a folder,
    ``inner`` is the file that is read. ``suffixes`` are those of files that tell the backend,
    ``also`` those of files that may be this format when the backend is said. ``beside`` are the
    suffixes of files that belong to it and differ in nothing else. ``settings`` are values of the
    configuration that choose this format (``platform``, ``parameters.model_type``).
    ``batches`` is the backend's unless said; ``reader`` is the Python package that could read the
    file, where it is not a dependency; ``compared`` tells that the file holds tensors, so that
    those declared have to be its own; ``found`` that the backend looks for the file by itself,
    though it is not the first of its formats; ``needed`` that a model's folder has to have it.
    """

    file: str
    inspect: Inspect
    suffixes: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    inner: str = ""
    beside: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    batches: Batches | None = None
    reader: str = ""
    compared: bool = True
    found: bool = False
    needed: bool = True

    def named(self, name: str) -> bool:
        """Tell whether a file of this name can be of this format."""
        return PurePosixPath(name).suffix.lower() in (*self.suffixes, *self.also)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something about one declared tensor, or about all of ``section`` if ``name`` is ``None``."""

    section: Section
    name: str | None
    message: str
    fix: str


Check = Callable[[ModelConfig, tuple[str, ...] | None], Iterable[Problem]]
"""A check of a configuration; the second argument is ``Inspection.arguments``."""

KINDS = frozenset({"KIND_CPU", "KIND_GPU", "KIND_MODEL"})


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A backend of Triton.

    ``formats`` begin with what Triton loads if nothing else is said. ``kinds`` are the instance
    kinds that load. ``completes`` tells whether Triton's auto-complete fills in tensors.
    ``accelerators`` maps ``gpu`` and ``cpu`` to execution accelerators and their parameters,
    ``None`` where any parameter goes; without it the backend looks at none. ``aliases`` are names
    that people take for the backend's. ``errors`` yields what makes the backend refuse the
    tensors, ``doubts`` what it takes with a warning; ``missing`` yields parameters that it can't
    do without, each with what to write; ``refine`` is what a file's tensors become by the
    parameters.
    """

    name: str
    formats: tuple[Format, ...] = ()
    kinds: frozenset[str] = KINDS
    completes: bool = True
    batches: Batches = "maybe"
    decoupled: bool = False
    parameters: Mapping[str, Values] = field(default_factory=dict)
    accelerators: Mapping[str, Mapping[str, Mapping[str, Values] | None]] = field(
        default_factory=dict
    )
    aliases: frozenset[str] = frozenset()
    errors: Check = lambda config, arguments: ()
    doubts: Check = lambda config, arguments: ()
    missing: Callable[[ModelConfig], Iterable[tuple[str, str]]] = lambda config: ()
    refine: Callable[[ModelConfig, Inspection], Inspection] = lambda config, found: found

    @property
    def platforms(self) -> dict[str, Format]:
        """Triton's older words for this backend and one of its formats."""
        return {
            form.settings["platform"]: form for form in self.formats if "platform" in form.settings
        }

    def format(self, config: ModelConfig, names: Iterable[str] = ()) -> Format | None:
        """Return the format that ``config`` chooses, else that of one of ``names``, else the first.

        ``names`` are those of the model's files. A backend without formats has none.
        """
        possible = [form for form in self.formats if _fits(form, config)] or list(self.formats)
        chosen = [form for form in possible if _chosen(form, config)] or possible
        said = config.default_model_filename
        for name in (said,) if said else names:
            for form in chosen:
                if name == form.file or form.named(name):
                    return form
        return chosen[0] if chosen else None

    def batching(self, config: ModelConfig) -> Batches:
        """Return whether a model of this configuration can or must batch."""
        form = self.format(config)
        return (form.batches if form else None) or self.batches

    def settings(self, chosen: Format) -> dict[str, str]:
        """Return what a configuration has to say for Triton to load ``chosen``."""
        if chosen is self.formats[0] or chosen.found:
            return {}
        return dict(chosen.settings) or {"default_model_filename": chosen.file}


def value(config: ModelConfig, path: str) -> str:
    """Return a setting by its path, ``platform`` or ``parameters.KEY``; empty if not said."""
    name, _, key = path.partition(".")
    if key:
        return config.parameters[key].string_value if key in config.parameters else ""
    return str(getattr(config, name))


def set_value(config: ModelConfig, path: str, text: str) -> None:
    """Set what ``value`` returns."""
    name, _, key = path.partition(".")
    if key:
        config.parameters[key].string_value = text
    else:
        setattr(config, name, text)


def _fits(form: Format, config: ModelConfig) -> bool:
    return all(value(config, path) in ("", text) for path, text in form.settings.items())


def _chosen(form: Format, config: ModelConfig) -> bool:
    return any(value(config, path) == text for path, text in form.settings.items())


def declared(config: ModelConfig) -> Iterator[tuple[Section, str, int]]:
    """Yield each declared tensor: section, name, data type."""
    for tensor in config.input:
        yield "input", tensor.name, tensor.data_type
    for out in config.output:
        yield "output", out.name, out.data_type
