"""How a study is shown: live while it goes on, and what came out of it."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Group, RenderableType
from rich.live import Live as Screen
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tritongen.cli.output import console, messages
from tritongen.cli.served import show_table
from tritongen.records.study import Study, Trial
from tritongen.records.tune import PlannedTune
from tritongen.stages.measure import Live
from tritongen.stages.report import standing
from tritongen.stages.tune import Event, best, front

BAR = 40
LAST, FRONT, FAILED = 5, 5, 8


class TuneView:
    """The live picture of a search, on a terminal only."""

    def __init__(self, planned: PlannedTune) -> None:
        self.planned = planned
        self.study: Study | None = None
        self.doing = "starting"
        self.now = ""
        self._began = time.monotonic()
        self._screen = Screen(console=messages, transient=True, refresh_per_second=4)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show it as long as the block runs."""
        if not messages.is_terminal:
            yield
            return
        with self._screen:
            self._update()
            yield

    def event(self, event: Event) -> None:
        """Take what began or ended."""
        self.study = event.study
        self.say(event.doing or self.doing)

    def say(self, doing: str) -> None:
        """Show what is done now."""
        self.doing, self.now = doing, ""
        self._update()

    def second(self, live: Live) -> None:
        """Show one more second of the trial that runs."""
        line = live.line
        p99 = "" if line["p99_us"] is None else f", p99 {line['p99_us'] / 1e3:.1f} ms"
        self.now = f"{line['answered']} answers/s{p99}"
        self._update()

    def _update(self) -> None:
        if self._screen.is_started:
            self._screen.update(self.picture(time.monotonic() - self._began))

    def picture(self, elapsed_s: float) -> RenderableType:
        """Return what is shown after so many seconds."""
        done = len(self.study.trials) if self.study else 0
        share, left = progress(self.planned, done, elapsed_s)
        head = Table.grid(padding=(0, 2))
        head.add_row(
            Text(f"tuning under {self.planned.loadtest}", style="bold"),
            ProgressBar(total=1.0, completed=share, width=BAR),
            Text(left, style="dim"),
        )
        rows: list[RenderableType] = [head, Text.assemble(self.doing, ("  " + self.now, "cyan"))]
        if self.study and self.study.scored:
            rows += [best_so_far(self.study), trials_table(self.study, front_and_last(self.study))]
        return Group(*rows)


def progress(planned: PlannedTune, done: int, elapsed_s: float) -> tuple[float, str]:
    """Return the share of the budget that is used, and the time that is left, in words."""
    shares = [done / planned.trials] if planned.trials else []
    if planned.seconds:
        shares.append(elapsed_s / planned.seconds)
    share = min(max(shares, default=0.0), 1.0)
    if not done or not share:
        return share, ""
    left_s = elapsed_s * (1 - share) / share
    count = f"{done} of at most {planned.trials} trials" if planned.trials else f"{done} trials"
    return share, f"{count}, at most {minutes(left_s)} left"


def minutes(seconds: float) -> str:
    """Return a time for people: 40 s, 3 min."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def best_so_far(study: Study) -> Text:
    """Say the best trial so far, and where it started."""
    start, found = study.scored[0], best(study)
    if found is None or found.score is None or start.score is None:
        return Text("")
    text = Text.assemble(
        ("best so far  ", "dim"), (figures(found), "bold"), ("   start  ", "dim"), figures(start)
    )
    if not found.score.feasible:
        text.append(f"   exceeds {', '.join(found.score.exceeded)}", style="yellow")
    return text


def figures(trial: Trial) -> str:
    """Return a trial's throughput and p99."""
    score = trial.score
    return f"{score.throughput_rps:.0f}/s, p99 {score.p99_ms:.1f} ms" if score else "failed"


def front_and_last(study: Study) -> list[Trial]:
    """Return the front's first trials and the last ones, in their order."""
    chosen = [*front(study)[-FRONT:], *(trial.number for trial in study.trials[-LAST:])]
    return [study.trials[number] for number in sorted(set(chosen))]


def trials_table(study: Study, trials: Sequence[Trial]) -> Table:
    """Lay out trials: what was changed, and what came of it."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("trial", "answers/s", "p99", "changed"):
        table.add_column(column, justify="left" if column == "changed" else "right")
    on_front = set(front(study))
    for trial in trials:
        mark = "*" if trial.number in on_front else " "
        score = trial.score
        cells = ["-", "-"]
        if score:
            cells = [f"{score.throughput_rps:.1f}", f"{score.p99_ms:.1f} ms"]
        what = Text(changed(study, trial))
        if trial.failure:
            what.append(f"  {trial.failure.splitlines()[0][:80]}", style="red")
        table.add_row(f"{mark}{trial.number}", *cells, what)
    return table


def choice_table(study: Study, numbers: Sequence[int]) -> Table:
    """Lay out the trials that there are to choose from, with all that counts."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("trial", "answers/s", "p99", "memory", "cost/million", "changed"):
        table.add_column(column, justify="left" if column == "changed" else "right")
    for number in numbers:
        trial = study.trials[number]
        if score := trial.score:
            table.add_row(
                str(number),
                f"{score.throughput_rps:.1f}",
                f"{score.p99_ms:.1f} ms",
                f"{score.memory_bytes / 2**20:,.0f} MiB",
                f"{score.cost_per_million:.2f}",
                changed(study, trial),
            )
    return table


def changed(study: Study, trial: Trial) -> str:
    """Say in what a trial's setting differs from the spec's."""
    if trial.kind == "profile":
        return "profile"
    return standing.words(study, trial.setting)


# ---- what came out ----


def show_study(study: Study) -> None:
    """Write what a study found: start and best, the front, effects, what failed."""
    found = study.conclusion
    if found is None:
        return
    tone = {"better": "bold green", "best": "bold green"}.get(found.verdict, "bold yellow")
    console.print(Text(f"{found.sentence}", style=tone))
    console.print(
        Text(f"{len(study.trials)} trials in {minutes(study.took_s)}; {found.stopped}", style="dim")
    )
    for note in filter(None, [standing.caveat(study), *study.notes]):
        console.print(Text.assemble(("note", "bold cyan"), f"  {note}"))
    rows = standing.rows(study)
    if rows:
        console.print()
        show_table(standing_table(rows))
    if changes := standing.changes(study):
        console.print()
        show_table(changes_table(changes))
    if len(choice := standing.kept(study)) > 1:
        console.print(Text("\nwhat no other trial beats in everything", style="bold"))
        show_table(choice_table(study, choice))
    failed = [trial for trial in study.trials if trial.failure]
    if failed:
        console.print(Text(f"\n{len(failed)} trials failed", style="bold"))
        for trial in failed[:FAILED]:
            console.print(Text(f"  {changed(study, trial)}: {trial.failure}", style="red"))


def standing_table(rows: Sequence[standing.Row]) -> Table:
    """Lay out the start beside the best."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for column in ("start", "best", "difference"):
        table.add_column(column, justify="right")
    tones = {"good": "green", "bad": "red", "plain": ""}
    for row in rows:
        table.add_row(row.name, row.before, row.after, Text(row.difference, style=tones[row.tone]))
    return table


def changes_table(changes: Sequence[standing.Change]) -> Table:
    """Lay out what the winner changes, and what each change does."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("parameter", "from", "to", "answers/s", "p99", ""):
        table.add_column(column)
    for each in changes:
        table.add_row(
            each.name, each.before, each.after, each.throughput, each.p99, Text(each.how, "dim")
        )
    return table
