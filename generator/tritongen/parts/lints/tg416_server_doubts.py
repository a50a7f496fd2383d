"""An option of the server is likely to surprise.

With `model_control_mode: poll` Triton loads what it finds half written, and whoever can write to
the repository runs code in the server; a Python model's own cache of bytecode makes it load again
and again. With `exit_on_error: false` a server one of whose models did not load stays, and is never
ready, unless `strict_readiness: false`. A model without `configs/NAME.pbtxt` for the server's
`model_config_name: NAME` gets its usual configuration without a word.
"""

from collections.abc import Iterator
from typing import Final

from tritongen.records.finding import Complaint
from tritongen.records.plan import Plan

SEVERITY: Final = "warning"


def check(plan: Plan) -> Iterator[Complaint]:
    """Complain about each such option."""
    server = plan.server
    if server.model_control_mode == "poll":
        yield Complaint(
            path=("server", "model_control_mode"),
            message="the server polls its repository",
            why="it loads half-written files, and Python models again and again",
            fix="leave it out and start anew for a change, or write explicit and ask for loads",
        )
    if server.exit_on_error is False and server.strict_readiness is not False:
        yield Complaint(
            path=("server", "exit_on_error"),
            message="a server with a model that did not load stays, and is never ready",
            why="what starts it waits for a readiness that does not come",
            fix="leave exit_on_error out, or add strict_readiness: false",
        )
    yield from _configuration(plan, server.model_config_name)


def _configuration(plan: Plan, name: str | None) -> Iterator[Complaint]:
    file = f"configs/{name}.pbtxt"
    written = [model for model in plan.models.values() if model.kind != "external"]
    lacking = [model.name for model in written if file not in model.content]
    if name is not None and lacking:
        shown = ", ".join(lacking[:3]) + (f" and {len(lacking) - 3} more" * (len(lacking) > 3))
        yield Complaint(
            path=("server", "model_config_name"),
            message=f"there is no {file} for {shown}",
            why="Triton takes config.pbtxt for them without a word",
            fix="add it to their files:, or leave model_config_name out",
        )
