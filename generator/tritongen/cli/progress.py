"""The picture of models being loaded, while `up` waits for the server."""

import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tritongen.parts.engines.log import LoadProgress

MOST_SHOWN = 12


class Progress:
    """Shows which models are loading, on a terminal only; called with what the log has said.

    What draws is imported at the first call, when the server has started: it need not wait for it.
    """

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._live: Any = None

    @property
    def seconds(self) -> float:
        """How long ago this was made."""
        return time.monotonic() - self._began

    def __call__(self, progress: "LoadProgress") -> None:
        """Show the state of every model, or of the first few that are still loading."""
        if not sys.stderr.isatty():
            return
        from rich.console import Group
        from rich.live import Live
        from rich.spinner import Spinner
        from rich.text import Text

        from tritongen.cli.output import messages

        if self._live is None:
            self._live = Live(console=messages, transient=True, refresh_per_second=10)
            self._live.start()
        total = len(progress.ready) + len(progress.loading) + len(progress.failed)
        head = f"loading models, {len(progress.ready)} of {total} ready"
        self._live.update(Group(Spinner("dots", head), *map(Text.from_markup, rows(progress))))

    def close(self) -> None:
        """Remove it from the screen."""
        if self._live is not None:
            self._live.stop()


def rows(progress: "LoadProgress") -> list[str]:
    """Return a line for every model, those first that are not ready; some, if there are many."""
    from rich.markup import escape

    marks = (
        ("[red]✗[/]", progress.failed),
        ("[yellow]…[/]", progress.loading),
        ("[green]✓[/]", progress.ready),
    )
    lines = [f"  {mark} {escape(name)}" for mark, names in marks for name in names]
    more = [f"  [dim]and {len(lines) - MOST_SHOWN} more[/]"] if len(lines) > MOST_SHOWN else []
    return lines[:MOST_SHOWN] + more
