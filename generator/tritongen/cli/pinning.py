"""``tritongen doctor --pin``: the images of a stack by their digests, as an overlay of the spec."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tritongen.cli.planning import make_plan
from tritongen.errors import SpecError, ToolMissingError
from tritongen.formats import yamlfile
from tritongen.parts.engines.compose import Docker


def overlay(spec: Path) -> str:
    """Return an overlay that pins every image of the spec's stack to what is on this machine.

    A digest is what a registry calls an image by: one that was only built or loaded here has none.

    Raises:
        SpecError: the spec has no stack.
        ToolMissingError: no Docker, or an image without a digest; none is ever made up.
    """
    plan, root = make_plan(spec, (), None, strict=False, quiet=True)
    if plan.stack is None:
        raise SpecError("the spec has no stack, so it has no images", fix="add `stack: {}`")
    docker = Docker(root.absolute(), os.environ)
    docker.check()
    found = {name: pinned(docker, image) for name, image in plan.stack.images.items()}
    if lacking := [plan.stack.images[name] for name, image in found.items() if image is None]:
        raise ToolMissingError(
            f"{len(lacking)} of {len(found)} images have no digest here: {', '.join(lacking)}",
            why="they are not on this machine, or were built or loaded and never pulled",
            fix="pull them from their registry: docker compose pull",
        )
    return yamlfile.write({"stack": {"images": found}})


def pinned(docker: Docker, image: str) -> str | None:
    """Return an image's name with its digest, ``None`` where this machine knows none."""
    name, _, digest = image.partition("@")
    if digest:
        return image
    return digest_of(name, docker.inspect("image", [image]))


def digest_of(image: str, inspected: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the digest by which the image's own registry knows it, with name and tag before it."""
    repository = image.rpartition(":")[0] if ":" in image.rpartition("/")[2] else image
    for row in inspected:
        for known in row.get("RepoDigests") or ():
            name, _, digest = known.partition("@")
            if _full(name) == _full(repository):
                return f"{image}@{digest}"
    return None


def _full(name: str) -> str:
    """Return a repository's name as Docker means it: ``redis`` is docker.io/library/redis."""
    first, slash, _ = name.partition("/")
    if not slash:
        return f"docker.io/library/{name}"
    return name if "." in first or ":" in first or first == "localhost" else f"docker.io/{name}"
