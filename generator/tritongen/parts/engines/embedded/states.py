"""Which models of a running server should be ready and are not."""

from tritongen.parts.engines.embedded.options import Options
from tritongen.parts.engines.embedded.serving import control_mode
from tritongen.parts.engines.log import LoadProgress
from tritongen.triton import ModelState


def failures(
    rows: tuple[ModelState, ...], options: Options, progress: LoadProgress
) -> dict[str, str]:
    """Return the models that should be ready and are not, with Triton's reasons."""
    everything = control_mode(options) != "explicit"
    failed = dict(progress.failed)
    for row in rows:
        if row.state == "UNAVAILABLE" and row.reason != "unloaded":
            failed.setdefault(row.name, row.reason)
        elif not row.state and everything:
            failed.setdefault(row.name, "Triton does not say why; see the log")
    return {name: reason for name, reason in failed.items() if not _any_ready(rows, name)}


def _any_ready(rows: tuple[ModelState, ...], name: str) -> bool:
    states = {row.state for row in rows if row.name == name}
    return "READY" in states and "UNAVAILABLE" not in states
