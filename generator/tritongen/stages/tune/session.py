"""A search under way: each trial is measured, scored, written down and shown."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from statistics import fmean

from tritongen.errors import EngineError, MeasureError
from tritongen.parts.searches import Guess, Proposal, Task, Tried
from tritongen.records.loadtest import PlannedLoadTest
from tritongen.records.measurement import Measurement
from tritongen.records.plan import Plan
from tritongen.records.study import Prediction, Score, Setting, Study, Trial
from tritongen.stages.tune import load
from tritongen.stages.tune.earlier import condensed
from tritongen.stages.tune.expect import Expectations
from tritongen.stages.tune.journal import Journal
from tritongen.stages.tune.scoring import NotTrustedError, mean_of, measured_score
from tritongen.stages.tune.settings import apply_setting, replicated

Evaluate = Callable[[Setting, PlannedLoadTest, float], Measurement]
"""Measures a setting under a load test for so many seconds; EngineError or MeasureError: it failed.

The load test's duration, warm-up and arrivals are already those of this trial.
"""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something began or ended: the study so far, what is done, the trial that ended."""

    study: Study
    doing: str
    trial: Trial | None = None


@dataclass(frozen=True, kw_only=True)
class Run:
    """Something to measure, and on which of the servers; ``test``: if not the study's own."""

    kind: str
    setting: Setting
    seconds: float
    test: PlannedLoadTest | None = None
    guess: Guess | None = None
    server: int = 0


@dataclass
class Session:
    """A study that goes on; all times are of ``clock``, in seconds.

    Each of ``servers`` measures one setting at a time; those in ``taking_part`` are asked.
    ``ending`` is set once they should stop.
    """

    plan: Plan
    study: Study
    servers: Sequence[Evaluate]
    journal: Journal
    show: Callable[[Event], None]
    clock: Callable[[], float]
    ending: threading.Event
    ratios: dict[int, dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.expectations = Expectations(self.plan, self.study)
        self.taking_part = list(range(len(self.servers)))
        last = self.study.trials[-1] if self.study.trials else None
        self.began = self.clock() - (last.at_s + last.took_s if last else 0.0)
        for trial in self.study.trials:
            if trial.measurement and trial.score:
                self.ratios[trial.number] = self._score(trial.setting, trial.measurement)[1]

    @property
    def test(self) -> PlannedLoadTest:
        """The load test of the study."""
        return self.plan.loadtests[self.study.tune.loadtest]

    @property
    def elapsed_s(self) -> float:
        """How long the study has taken, interruptions left out."""
        return self.clock() - self.began

    def left(self) -> int:
        """Return how many more trials the budget has, by number and by time."""
        tune, done = self.study.tune, len(self.study.trials)
        by_number = tune.trials - done if tune.trials is not None else 10**6
        if tune.seconds is None:
            return max(by_number, 0)
        each = self.elapsed_s / done if done else 1.3 * tune.window_s
        return max(min(by_number, int((tune.seconds - self.elapsed_s) / max(each, 1e-9))), 0)

    def say(self, doing: str, trial: Trial | None = None) -> None:
        """Show what is done now."""
        self.show(Event(study=self.study, doing=doing, trial=trial))

    # ---- trials ----

    def run(
        self,
        kind: str,
        setting: Setting,
        seconds: float,
        *,
        test: PlannedLoadTest | None = None,
        guess: Guess | None = None,
    ) -> Trial:
        """Measure a setting on the first server, and write down what came of it."""
        this = Run(kind=kind, setting=setting, seconds=seconds, test=test, guess=guess)
        return self.run_together([this])[0]

    def run_together(self, runs: Sequence[Run]) -> list[Trial]:
        """Measure settings at the same time, each on another server; write each down as it ends."""
        return [self.keep(trial) for trial in self.measured(runs)]

    def measured(self, runs: Sequence[Run]) -> Iterator[Trial]:
        """Measure settings at the same time, each on another server; yield what ends first first.

        Ctrl-C is told here only: the servers' threads are asked to end, and waited for.
        """
        self._tell(runs)
        if len(runs) == 1:
            yield self._scored(self._measured(runs[0]))
            return
        with ThreadPoolExecutor(len(runs)) as pool:
            try:
                for each in as_completed([pool.submit(self._measured, run) for run in runs]):
                    yield self._scored(each.result())
            except BaseException:
                self.ending.set()
                raise

    def _tell(self, runs: Sequence[Run]) -> None:
        budget, first = self.study.tune.trials, len(self.study.trials) + 1
        last = first + len(runs) - 1
        count = f"{first} to {last}" if len(runs) > 1 else f"{first}"
        of = f"{count} of {budget}" if budget else count
        kind, test = runs[0].kind, load.in_words(self._test(runs[0])[0])
        changes = "; ".join(dict.fromkeys(self._changes(run.setting) for run in runs))
        self.say(f"measuring {of} ({kind}, {test}): {changes}")

    def _test(self, run: Run) -> tuple[PlannedLoadTest, float]:
        if run.test:
            return run.test, run.test.duration_s
        return load.trial_test(self.test, run.setting, run.seconds)

    def keep(self, trial: Trial) -> Trial:
        """Write a trial down, and return it with its number."""
        trial = replace(trial, number=len(self.study.trials))
        if trial.score and trial.measurement:
            self.ratios[trial.number] = self._score(trial.setting, trial.measurement)[1]
        self.journal.trial(trial)
        self.study = replace(self.study, trials=(*self.study.trials, trial))
        self.say("", trial)
        return trial

    def _measured(self, run: Run) -> Trial:
        """Measure a setting; what is wrong with it shows in its trial."""
        test, seconds = self._test(run)
        began = self.elapsed_s
        trial = Trial(
            number=len(self.study.trials),
            kind=run.kind,  # type: ignore[arg-type]
            setting=run.setting,
            load=load.in_words(test),
            at_s=round(began, 3),
            took_s=0.0,
            predicted=_prediction(run.guess),
            server=run.server,
        )
        try:
            measurement = self.servers[run.server](run.setting, test, seconds)
        except (EngineError, MeasureError) as error:
            trial = replace(trial, failure=error.message)
        else:
            if measurement.partial == "interrupted":
                raise KeyboardInterrupt
            failure = measurement.partial or _unanswered(measurement) or None
            trial = replace(trial, measurement=measurement, failure=failure)
        return replace(trial, took_s=round(self.elapsed_s - began, 3))

    def _scored(self, trial: Trial) -> Trial:
        if trial.kind == "profile" or trial.failure or not trial.measurement:
            return trial
        try:
            return replace(trial, score=self._score(trial.setting, trial.measurement)[0])
        except NotTrustedError as error:
            return replace(trial, failure=f"not trusted: {error}")

    def _score(self, setting: Setting, measurement: Measurement) -> tuple[Score, dict[str, float]]:
        plan = replicated(apply_setting(self.plan, setting), self.study.host.replicas)
        return measured_score(plan, self.study.tune, self.study.host, measurement)

    def _changes(self, setting: Setting) -> str:
        start = self.study.space.start if self.study.space else setting
        changed = [f"{m} {p}: {v}".strip() for (m, p), _, v in setting.unlike(start)]
        return ", ".join(changed) or "as it is"

    def write_profile(self) -> None:
        """Write down what was learned of the steps that ran here, for other studies to take."""
        profile = self.expectations.profile
        ran = {k for trial in self.study.trials for k in self.expectations.executed(trial).values()}
        steps = {key: step for key, step in profile.steps.items() if key in ran}
        if steps:
            self.journal.profile(condensed(replace(profile, steps=steps)))

    def note(self, text: str) -> None:
        """Write down what a reader should know, once."""
        if text not in self.study.notes:
            self.journal.note(text)
            self.study = replace(self.study, notes=(*self.study.notes, text))

    # ---- what the search is asked ----

    def task(self, left: int, waiting: Sequence[Proposal] = (), *, finals: bool = True) -> Task:
        """Return what is known so far, for a search; ``waiting``: what is to be measured now.

        Of those the search is told what is expected, so that it looks elsewhere meanwhile. Without
        ``finals`` it is what was known before those.
        """
        assert self.study.space is not None
        tried: dict[Setting, list[Trial]] = {}
        for trial in self.study.trials:
            if trial.kind == "profile" or (trial.kind == "final" and not finals):
                continue
            tried.setdefault(trial.setting, []).append(trial)
        return Task(
            space=self.study.space,
            goal=self.study.tune.goal,
            tried=(*map(self._tried, tried.values()), *map(_waiting, waiting)),
            left=left - len(waiting),
            seed=self.study.tune.seed,
            guess=self.expectations.guess,
        )

    def _tried(self, trials: Sequence[Trial]) -> Tried:
        """Return a setting with what all its measurements say together."""
        scores = [trial.score for trial in trials if trial.score]
        ratios = [self.ratios[trial.number] for trial in trials if trial.score]
        return Tried(
            setting=trials[0].setting,
            score=mean_of(scores) if scores else None,
            ratios={name: fmean(each[name] for each in ratios) for name in ratios[0]}
            if ratios
            else {},
        )

    def learn(self, trials: Sequence[Trial] | None = None) -> None:
        """Let the simulation learn from what was measured."""
        self.expectations.learn(self.study.trials if trials is None else trials)


def _unanswered(measurement: Measurement) -> str:
    """Say that nothing was answered, and what was said instead; empty if something was."""
    if measurement.total.answered:
        return ""
    said = max(measurement.total.failures, key=lambda each: each.count, default=None)
    return "no request was answered" + (f": {said.message}" if said and said.message else "")


def _waiting(proposal: Proposal) -> Tried:
    guess = proposal.guess
    return Tried(
        setting=proposal.setting,
        score=guess.score if guess else None,
        ratios=guess.ratios if guess else {},
        waiting=True,
    )


def _prediction(guess: Guess | None) -> Prediction | None:
    if guess is None:
        return None
    return Prediction(
        throughput_rps=guess.score.throughput_rps, p99_ms=guess.score.p99_ms, doubt=guess.doubt
    )
