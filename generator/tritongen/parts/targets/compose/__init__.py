"""What ``docker compose up`` reads: docker-compose.yml, what it builds, and a page about it."""

from collections.abc import Mapping
from typing import Any

from tritongen.formats.yamlfile import Commented
from tritongen.parts import generated
from tritongen.parts.targets.compose import built, gateway, page
from tritongen.parts.targets.compose.service import literal
from tritongen.parts.targets.compose.services import services, volumes
from tritongen.records.plan import Plan
from tritongen.records.stack import COMPOSE, COMPOSE_FILE, EDGE, INNER, PlannedStack
from tritongen.records.tree import Entry, Text

HEAD = """\
What `docker compose up` starts; compose/README.md tells of it. Written by `tritongen build` from
the spec, so change that. Nothing but the published ports can be reached from outside, nothing runs
as root, and containers write only where they have to."""


def render(plan: Plan) -> Mapping[str, Entry]:
    """Return the compose file and what belongs to it; nothing without a stack."""
    stack = plan.stack
    if stack is None:
        return {}
    file = generated.write(plan, COMPOSE_FILE, _project(plan, stack), owner=COMPOSE, head=HEAD)
    texts = {**built.files(stack), f"{COMPOSE}/README.md": page.write(plan, stack)}
    texts = {path: text for path, text in texts.items() if text is not None}
    return {
        COMPOSE_FILE: file,
        **{path: Text(text=text, owner=COMPOSE) for path, text in texts.items()},
    }


def _project(plan: Plan, stack: PlannedStack) -> Commented:
    document: dict[str, Any] = {
        "name": stack.project,
        "services": literal(services(plan, stack)),
        "networks": Commented(
            {EDGE: {}, INNER: {"internal": True}},
            {EDGE: "What is published, and what may reach it.", INNER: "No way in, no way out."},
        ),
        "volumes": volumes(stack),
    }
    if stack.gateway and (secrets := gateway.secrets(stack.gateway)):
        document["secrets"] = secrets
    return Commented(document)
