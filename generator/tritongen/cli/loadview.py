"""How a load test is shown: live while it runs, and what came out of it."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.live import Live as Screen
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tritongen.cli.compare import number
from tritongen.cli.output import console, messages
from tritongen.cli.served import show_table
from tritongen.records.measurement import Bottleneck, Figures, Measurement, Server
from tritongen.stages.measure import Live

BAR = 40
SECONDS_SHOWN = 8
MOST_FAILURES = 5


class View:
    """The live picture of a run, on a terminal only."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.lines: list[Live] = []
        self._screen = Screen(
            Text(f"{title}: starting"),
            console=messages,
            transient=True,
            refresh_per_second=4,
        )
        if messages.is_terminal:
            self._screen.start()

    def show(self, live: Live) -> None:
        """Show one more second."""
        self.lines.append(live)
        self._screen.update(self._picture(live))

    def close(self) -> None:
        """Remove it from the screen."""
        self._screen.stop()

    def _picture(self, live: Live) -> RenderableType:
        warming = live.line["second"] < 0
        head = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=1.0, completed=live.line["progress"], width=BAR)
        state = "warming up" if warming else f"{100 * live.line['progress']:.0f}%"
        head.add_row(Text(self.title, style="bold"), bar, Text(state, style="dim"))
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for column in ("second", "sent/s", "answers/s", "p50", "p95", "p99", "errors", "queue"):
            table.add_column(column, justify="right")
        for each in self.lines[-SECONDS_SHOWN:]:
            table.add_row(*_second(each))
        return Group(head, table)


def _second(live: Live) -> list[RenderableType]:
    line = live.line
    failed = Text(str(line["failed"]), style="red" if line["failed"] else "")
    share = "" if live.queue_share is None else f"{100 * live.queue_share:.0f}%"
    times = [_ms(line[key]) for key in ("p50_us", "p95_us", "p99_us")]
    return [str(line["second"]), str(line["offered"]), str(line["answered"]), *times, failed, share]


def _ms(micros: float | None) -> str:
    return "-" if micros is None else f"{micros / 1e3:.1f} ms"


def show_measurement(measurement: Measurement) -> None:
    """Write what came out: the client's figures, the server's, the verdicts, what limits."""
    load = measurement.load
    models = ", ".join(load.models)
    console.print(
        Text.assemble(
            (load.name, "bold"),
            f": {models} over {load.protocol}, {load.arrivals}, {measurement.window_s:g} s",
        )
    )
    show_table(figures_table(measurement))
    if measurement.server and measurement.bottleneck:
        show_table(steps_table(measurement.bottleneck, measurement.server))
    for failure in measurement.failures[:MOST_FAILURES]:
        code = f" {failure.code}" if failure.code else ""
        text = f"  {failure.count} x {failure.kind}{code}: {failure.message}"
        console.print(Text(text, style="red"))
    for verdict in measurement.verdicts:
        found = "nothing" if verdict.found is None else number(verdict.metric, verdict.found)
        mark = ("kept  ", "green") if verdict.kept else ("missed", "bold red")
        said = number(verdict.metric, verdict.limit)
        console.print(
            Text.assemble("  ", mark, f"  {verdict.requests} {verdict.metric} {found} ({said})")
        )
    if measurement.bottleneck:
        console.print(Text(f"\n{measurement.bottleneck.sentence}", style="bold"))


def figures_table(measurement: Measurement) -> Table:
    """Lay out what the client saw, by request name."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("requests")
    for column in ("offered", "answers/s", "p50", "p95", "p99", "p99.9", "errors"):
        table.add_column(column, justify="right")
    rows: Mapping[str, Figures] = measurement.requests
    if len(rows) > 1:
        rows = {**rows, "all": measurement.total}
    for name, each in rows.items():
        latency = each.latency
        times = (
            [f"{getattr(latency, f'{p}_ms'):.1f} ms" for p in ("p50", "p95", "p99", "p999")]
            if latency
            else ["-"] * 4
        )
        errors = Text(f"{100 * each.error_rate:.2f}%", style="red" if each.error_rate else "")
        table.add_row(name, str(each.offered), f"{each.rate_rps:.1f}", *times, errors)
    return table


def steps_table(bottleneck: Bottleneck, server: Server) -> Table:
    """Lay out the steps as stations: how busy, how fast, how full their batches."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("step")
    for column in ("busy", "could do", "wait", "copy", "compute", "batch", "full", "cache"):
        table.add_column(column, justify="right")
    for step in bottleneck.steps:
        model = server.model(step.model)
        assert model is not None, "steps are made from the server's models"
        copies = model.compute_input_ms + model.compute_output_ms
        hits = model.cache_hits + model.cache_misses
        table.add_row(
            step.model,
            f"{100 * step.utilisation:.0f}%",
            "-" if step.service_rps is None else f"{step.service_rps:.0f}/s",
            f"{model.queue_ms:.2f} ms",
            f"{copies:.2f} ms",
            f"{model.compute_infer_ms:.2f} ms",
            f"{step.mean_batch:.1f}",
            "-" if step.batch_fill is None else f"{100 * step.batch_fill:.0f}%",
            f"{100 * model.cache_hits / hits:.0f}%" if hits else "-",
        )
    if bottleneck.client_ms is not None:
        cells: list[Any] = ["(outside)", "", "", "", "", f"{bottleneck.client_ms:.2f} ms"]
        table.add_row(*cells, "", "", "")
    return table
