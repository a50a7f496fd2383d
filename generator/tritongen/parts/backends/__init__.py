"""Triton's backends, by the name that ``backend:`` has for them.

A new one is a module like ``dali`` and a line in ``TABLE``: then its files are recognised, placed
under the name that it loads, and read where that is possible, and the lints know its rules. A
backend that is not here is custom: its files are placed as they are, and nothing is checked.
"""

from collections.abc import Iterable
from pathlib import Path

from tritongen.parts.backends import (
    dali,
    fil,
    identity,
    onnxruntime,
    openvino,
    python,
    pytorch,
    repeat,
    square,
    tensorflow,
    tensorrt,
    tensorrtllm,
    vllm,
)
from tritongen.parts.backends._backend import Backend, Format, Problem, set_value, value
from tritongen.records.messages import ModelConfig

__all__ = [
    "PLATFORMS",
    "TABLE",
    "Backend",
    "Format",
    "Problem",
    "find",
    "guess",
    "name_of",
    "near",
    "set_value",
    "suffixes",
    "value",
]

TABLE: dict[str, Backend] = {
    module.BACKEND.name: module.BACKEND
    for module in (
        tensorflow,
        tensorrt,
        onnxruntime,
        openvino,
        pytorch,
        python,
        dali,
        fil,
        identity,
        repeat,
        square,
        tensorrtllm,
        vllm,
    )
}
"""In the order in which Triton looks for their files in a version folder."""

PLATFORMS = {word: backend.name for backend in TABLE.values() for word in backend.platforms}
"""Triton's older word for a backend and its file format."""


def name_of(config: ModelConfig) -> str:
    """Return the backend that a configuration says by its name or by a platform; maybe none."""
    return config.backend or PLATFORMS.get(config.platform, config.platform)


def find(config: ModelConfig) -> Backend:
    """Return what is known about a configuration's backend; nothing, if it is a custom one."""
    name = name_of(config)
    return TABLE.get(name) or Backend(name=name)


def guess(located: Path) -> Backend | None:
    """Return the backend that a file's suffix or a folder's content tells."""
    for backend in TABLE.values():
        for form in backend.formats:
            there = form.inner and (located / form.inner).is_file()
            if form.suffixes and (
                located.suffix.lower() in form.suffixes or there or (located / form.file).exists()
            ):
                return backend
    return None


def suffixes() -> Iterable[str]:
    """Yield the suffixes that tell a backend, each with its name."""
    for backend in TABLE.values():
        for form in backend.formats:
            yield from (f"{suffix} ({backend.name})" for suffix in form.suffixes)


def near(suffix: str) -> list[str]:
    """Name the backends that load files with this suffix, if they are said."""
    return [
        backend.name
        for backend in TABLE.values()
        if any(form.named(f"x{suffix}") for form in backend.formats)
    ]
