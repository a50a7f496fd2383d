"""A search under way: each trial is measured, scored, written down and shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from tritongen.errors import EngineError, MeasureError
from tritongen.parts.searches import Guess, Task, Tried
from tritongen.records.loadtest import PlannedLoadTest
from tritongen.records.measurement import Measurement
from tritongen.records.plan import Plan
from tritongen.records.study import Prediction, Score, Setting, Study, Trial
from tritongen.stages.tune import load
from tritongen.stages.tune.expect import Expectations
from tritongen.stages.tune.journal import Journal
from tritongen.stages.tune.scoring import NotTrustedError, measured_score
from tritongen.stages.tune.settings import apply_setting

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


@dataclass
class Session:
    """A study that goes on; all times are of ``clock``, in seconds."""

    plan: Plan
    study: Study
    evaluate: Evaluate
    journal: Journal
    show: Callable[[Event], None]
    clock: Callable[[], float]
    ratios: dict[int, dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.expectations = Expectations(self.plan, self.study)
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
        """Measure a setting, and write down what came of it."""
        used, seconds = (
            (test, test.duration_s) if test else load.trial_test(self.test, setting, seconds)
        )
        trial = self.measure(kind, setting, used, seconds, guess)
        self.keep(trial)
        return trial

    def measure(
        self,
        kind: str,
        setting: Setting,
        test: PlannedLoadTest,
        seconds: float,
        guess: Guess | None = None,
    ) -> Trial:
        """Measure a setting."""
        number = len(self.study.trials)
        budget = self.study.tune.trials
        of = f"{number + 1} of {budget}" if budget else f"{number + 1}"
        self.say(f"measuring {of} ({kind}, {load.in_words(test)}): {self._changes(setting)}")
        began = self.elapsed_s
        trial = Trial(
            number=number,
            kind=kind,  # type: ignore[arg-type]
            setting=setting,
            load=load.in_words(test),
            at_s=round(began, 3),
            took_s=0.0,
            predicted=_prediction(guess),
        )
        trial = self._measured(trial, test, seconds)
        return replace(trial, took_s=round(self.elapsed_s - began, 3))

    def keep(self, trial: Trial) -> None:
        """Write a trial down."""
        self.journal.trial(trial)
        self.study = replace(self.study, trials=(*self.study.trials, trial))
        self.say("", trial)

    def _measured(self, trial: Trial, test: PlannedLoadTest, seconds: float) -> Trial:
        try:
            measurement = self.evaluate(trial.setting, test, seconds)
        except (EngineError, MeasureError) as error:
            return replace(trial, failure=error.message)
        if measurement.partial == "interrupted":
            raise KeyboardInterrupt
        if measurement.partial:
            return replace(trial, measurement=measurement, failure=measurement.partial)
        if not measurement.total.answered:
            return replace(trial, measurement=measurement, failure="no request was answered")
        if trial.kind == "profile":
            return replace(trial, measurement=measurement)
        try:
            score, ratios = self._score(trial.setting, measurement)
        except NotTrustedError as error:
            return replace(trial, measurement=measurement, failure=f"not trusted: {error}")
        self.ratios[trial.number] = ratios
        return replace(trial, measurement=measurement, score=score)

    def _score(self, setting: Setting, measurement: Measurement) -> tuple[Score, dict[str, float]]:
        plan = apply_setting(self.plan, setting)
        return measured_score(plan, self.study.tune, self.study.host, measurement)

    def _changes(self, setting: Setting) -> str:
        start = self.study.space.start if self.study.space else setting
        changed = [f"{m} {p}: {v}".strip() for (m, p), _, v in setting.unlike(start)]
        return ", ".join(changed) or "as it is"

    # ---- what the search is asked ----

    def task(self, left: int) -> Task:
        """Return what is known so far, for a search."""
        assert self.study.space is not None
        tried: dict[Setting, Trial] = {}
        for trial in self.study.trials:
            if trial.kind != "profile" and (trial.score or trial.setting not in tried):
                tried[trial.setting] = trial
        return Task(
            space=self.study.space,
            goal=self.study.tune.goal,
            tried=tuple(self._tried(trial) for trial in tried.values()),
            left=left,
            seed=self.study.tune.seed,
            guess=self.expectations.guess,
        )

    def _tried(self, trial: Trial) -> Tried:
        ratios = self.ratios.get(trial.number, {})
        return Tried(setting=trial.setting, score=trial.score, ratios=ratios)

    def learn(self, trials: Sequence[Trial] | None = None) -> None:
        """Let the simulation learn from what was measured."""
        self.expectations.learn(self.study.trials if trials is None else trials)


def _prediction(guess: Guess | None) -> Prediction | None:
    if guess is None:
        return None
    return Prediction(
        throughput_rps=guess.score.throughput_rps, p99_ms=guess.score.p99_ms, doubt=guess.doubt
    )
