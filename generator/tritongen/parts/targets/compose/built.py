"""The images that are built here: Triton with what Python steps need, Locust with its program's.

Their tags are made of what they are built from, so that a change is built at the next ``up`` and
what is there is not built again. They are never pulled: nobody else has them.
"""

import hashlib
from typing import Any

from tritongen.parts import templates
from tritongen.records.images import images
from tritongen.records.stack import COMPOSE, LOCUST, TRITON, PlannedStack


def image(stack: PlannedStack, name: str) -> dict[str, Any]:
    """Return the keys of a service that say which image it runs."""
    files = _files(stack, name)
    if not files:
        return {"image": stack.images[name]}
    digest = hashlib.sha256("\0".join(files.values()).encode()).hexdigest()[:12]
    return {
        "image": f"{stack.project}-{name}:{digest}",
        "build": {"context": f"./{COMPOSE}", "dockerfile": f"{name}.Dockerfile"},
        "pull_policy": "never",
    }


def files(stack: PlannedStack) -> dict[str, str]:
    """Return the Dockerfiles, and the requirements that they install, by path."""
    found = {**_files(stack, TRITON), **_files(stack, LOCUST)}
    return {f"{COMPOSE}/{name}": text for name, text in found.items()}


def _files(stack: PlannedStack, name: str) -> dict[str, str]:
    lines = stack.requirements if name == TRITON else images().locust_requirements
    if not lines:
        return {}
    dockerfile = templates.fill(
        f"compose/{name}.Dockerfile", image=stack.images[name], hashed=stack.hashed
    )
    requirements = "".join(f"{line}\n" for line in lines)
    return {f"{name}.Dockerfile": dockerfile, f"{name}.requirements.txt": requirements}
