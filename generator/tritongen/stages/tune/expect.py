"""What the simulation expects of a setting, from the profiles that trials gave."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from tritongen.errors import MeasureError
from tritongen.parts.searches import Guess
from tritongen.records.loadtest import Arrivals, Closed, Paced, PlannedLoadTest
from tritongen.records.measurement import Measurement
from tritongen.records.messages import ModelConfig
from tritongen.records.plan import Plan
from tritongen.records.profile import Profile, StepProfile, Timing
from tritongen.records.study import Setting, Study, Trial
from tritongen.records.system import Outcome
from tritongen.simulate import Observation, profile_key, profiled, simulate, system_of
from tritongen.stages.tune import earlier, load
from tritongen.stages.tune.marks import contents
from tritongen.stages.tune.scoring import simulated_score
from tritongen.stages.tune.settings import apply_setting, replicated

QUICK_REQUESTS, FINE_REQUESTS = 800, 3000
"""Requests of a simulation: a first look, and what a 99th percentile wants."""
SHORTEST_S, LONGEST_S = 0.2, 60.0
BORROWED = 0.3
"""How wrong the time of a step may be that was measured with other parameters only."""
THREADS_HELP = 0.7
"""Twice the threads take a step's time times 2 ** -0.7."""
REFRESHED = (1, 2, 3, 5, 9, 17, 33)
"""Numbers of observations after which all of them are made into a profile again."""


class Expectations:
    """Simulations of settings; each is done once for each profile."""

    def __init__(self, plan: Plan, study: Study) -> None:
        self.plan, self.study = plan, study
        self.test = plan.loadtests[study.tune.loadtest]
        self.contents = contents(plan)
        self.taken = earlier.joined(study.taken)
        self.slower: Mapping[str, float] = {}
        self.profile = self.taken or Profile(cores=study.host.cores)
        self.offered = 1.0
        self.rate_rps = 0.0
        self.used = 0
        self.untold = ""
        self.cache: dict[tuple[Setting, bool], Guess | None] = {}

    def learn(self, trials: Sequence[Trial]) -> None:
        """Take in what was measured, where it is enough to be worth another profile."""
        seen = [t for t in trials if (m := t.measurement) and m.server and m.total.answered]
        count = max((n for n in REFRESHED if n <= len(seen)), default=0)
        if self._news(seen):
            count = len(seen)
        elif count <= self.used:
            return
        if self.taken and not self.used:
            self._hold_to(self._learned(seen[:count], None))
        self.used = count
        profile = self._learned(seen[:count], self.taken)
        known, self.profile = self.profile, profile or self.profile
        self.offered = _achieved(seen)
        self.rate_rps = max(t.measurement.throughput_rps for t in seen if t.measurement)
        self.cache.clear()
        self._keep_the_better(known, seen)

    def _hold_to(self, now: Profile | None) -> None:
        """Leave out of what was taken what proves to be otherwise now."""
        assert self.taken is not None
        self.slower = earlier.slower(self.taken, now) if now else {}
        steps = {key: s for key, s in self.taken.steps.items() if key not in self.slower}
        self.taken = replace(self.taken, steps=steps) if steps else None
        self.profile = self.taken or Profile(cores=self.study.host.cores)

    def _learned(self, seen: Sequence[Trial], profile: Profile | None) -> Profile | None:
        for group in _alike(seen, self._keys):
            keys = self._keys(group[0].setting)
            observations = [self._observation(trial) for trial in group]
            try:
                profile = profiled(
                    observations, keys=keys, cores=self.study.host.cores, known=profile
                )
            except MeasureError as error:
                self.untold = error.message
        return profile

    def unlearned(self, trial: Trial) -> set[str]:
        """Return the models of a trial whose steps' profiles were not taken from elsewhere."""
        have = self.taken.steps.keys() if self.taken else set()
        return {name for name, key in self.executed(trial).items() if key not in have}

    def told(self, trial: Trial) -> Iterator[str]:
        """Say what was taken, of the steps that a trial ran, and what was measured anew."""
        ran = self.executed(trial)
        held = {name: key for name, key in ran.items() if key not in self.slower}
        yield from earlier.told(self.study.taken, held)
        for name, key in ran.items():
            if key in self.slower:
                yield (
                    f"the profile of {name} was measured anew: its executions take "
                    f"{self.slower[key]:.1f} times as long as in the study before"
                )

    def _keep_the_better(self, known: Profile, seen: Sequence[Trial]) -> None:
        """Go back to the profile from before if it says better what was measured since."""
        fresh = self.profile
        errs = self._errs(seen)
        guessed = dict(self.cache)
        self.profile = known
        self.cache.clear()
        if not known.steps or self._errs(seen) >= errs:
            self.profile, self.cache = fresh, guessed

    def _errs(self, seen: Sequence[Trial]) -> float:
        """Return how wrong throughput is guessed, on average; a trial without a guess is very."""
        errs = []
        for trial in seen:
            if trial.score is not None:
                (guess,) = self.guess([trial.setting], False)
                ratio = guess.score.throughput_rps / trial.score.throughput_rps if guess else 9.0
                errs.append(abs(math.log(max(ratio, 1e-9))))
        return sum(errs) / max(len(errs), 1)

    def _news(self, seen: Sequence[Trial]) -> bool:
        """Tell whether trials ran a step in a way that no profile has."""
        keys = {key for trial in seen for key in self.executed(trial).values()}
        return bool(keys - self.profile.steps.keys())

    def executed(self, trial: Trial) -> dict[str, str]:
        """Return the models that a trial ran, and the keys of their steps."""
        keys = self._keys(trial.setting)
        server = trial.measurement.server if trial.measurement else None
        ran = [m.name for m in (server.models if server else ()) if m.executions and not m.steps]
        return {name: keys[name] for name in ran}

    def _served(self, setting: Setting) -> Plan:
        return replicated(apply_setting(self.plan, setting), self.study.host.replicas)

    def _keys(self, setting: Setting) -> dict[str, str]:
        models = apply_setting(self.plan, setting).models
        return {name: profile_key(m.config, self.contents[name]) for name, m in models.items()}

    def _observation(self, trial: Trial) -> Observation:
        assert trial.measurement is not None
        models = self._served(trial.setting).models
        return Observation(
            measurement=trial.measurement,
            configs={name: model.config for name, model in models.items()},
            arrivals=_sent(trial.measurement, self.test),
            rows=_rows(self.test),
        )

    # ---- guesses ----

    def guess(self, settings: Sequence[Setting], fine: bool) -> list[Guess | None]:
        """Return what is expected of settings; ``None`` where the simulation can't tell."""
        return [self._cached(setting, fine) for setting in settings]

    def _cached(self, setting: Setting, fine: bool) -> Guess | None:
        if (setting, fine) not in self.cache:
            self.cache[setting, fine] = self._guess(setting, fine)
        return self.cache[setting, fine]

    def _guess(self, setting: Setting, fine: bool) -> Guess | None:
        plan = self._served(setting)
        test = load.trial_test(self.test, setting, self.study.tune.window_s)[0]
        try:
            outcome, doubt = self._outcome(plan, test, fine)
        except MeasureError:
            return None
        score, ratios = simulated_score(
            plan, self.study.tune, self.study.host, outcome, paced=load.is_paced(test)
        )
        return Guess(score=score, ratios=ratios, doubt=doubt + (0.1 if outcome.bistable else 0.0))

    def _outcome(self, plan: Plan, test: PlannedLoadTest, fine: bool) -> tuple[Outcome, float]:
        keys = {n: profile_key(m.config, self.contents[n]) for n, m in plan.models.items()}
        profile, borrowed = self._completed(plan, keys)
        configs = {name: model.config for name, model in plan.models.items()}
        traffic = {each.model: each.weight for each in test.traffic}
        system = system_of(configs, traffic, profile, keys=keys, rows=_rows(test))
        requests = FINE_REQUESTS if fine else QUICK_REQUESTS
        seconds = min(max(requests / max(self._rate(test), 1e-6), SHORTEST_S), LONGEST_S)
        outcome = simulate(
            system,
            _slowed(test.arrivals, self.offered),
            seconds=seconds,
            warmup_s=min(0.2 * seconds, 2.0),
            seed=self.study.tune.seed,
        )
        return outcome, BORROWED if borrowed else 0.0

    def _rate(self, test: PlannedLoadTest) -> float:
        return load.rate_of(test) if load.is_paced(test) else self.rate_rps

    def _completed(self, plan: Plan, keys: Mapping[str, str]) -> tuple[Profile, bool]:
        """Return the profile, with steps that were not measured so taken from those that were."""
        steps, borrowed = dict(self.profile.steps), False
        for name, key in keys.items():
            alike = [step for step in self.profile.steps.values() if step.model == name]
            if key not in steps and alike:
                steps[key] = _lent(alike[0], key, plan.models[name].config)
                borrowed = True
        return replace(self.profile, steps=steps), borrowed


def _lent(step: StepProfile, key: str, config: ModelConfig) -> StepProfile:
    said = (
        config.parameters["intra_op_thread_count"].string_value
        if ("intra_op_thread_count" in config.parameters)
        else ""
    )
    threads = max(int(said), 1) if said.isdecimal() else 1
    faster = (threads / step.threads) ** THREADS_HELP
    timings = tuple(
        Timing(rows=t.rows, ms=t.ms / faster, executions=t.executions, busy=t.busy, slowed=t.slowed)
        for t in step.timings
    )
    return replace(step, key=key, timings=timings, threads=threads)


def _alike(
    trials: Sequence[Trial], keys_of: Callable[[Setting], Mapping[str, str]]
) -> list[list[Trial]]:
    """Group trials whose steps have the same keys: a profile is made of one set at a time."""
    groups: dict[tuple[tuple[str, str], ...], list[Trial]] = {}
    for trial in trials:
        groups.setdefault(tuple(sorted(keys_of(trial.setting).items())), []).append(trial)
    return list(groups.values())


def _rows(test: PlannedLoadTest) -> tuple[int, int]:
    rows = [each.data.rows for each in test.traffic]
    return int(min(r.low for r in rows)), int(max(r.high for r in rows))


def _sent(measurement: Measurement, test: PlannedLoadTest) -> Arrivals:
    """Return what was sent: a program reaches a little less than the rate that it should."""
    said = measurement.load
    if said.users is not None:
        return Arrivals(closed=Closed(users=said.users))
    if said.rate_rps is None:
        return test.arrivals
    reached = measurement.total.offered / measurement.window_s if measurement.window_s else 0.0
    paced = Paced(rate=reached or said.rate_rps)
    return Arrivals(poisson=paced) if test.arrivals.poisson else Arrivals(constant=paced)


def _achieved(seen: Sequence[Trial]) -> float:
    """Return the share of its rate that the load program reaches."""
    shares = [
        m.total.offered / m.window_s / m.load.rate_rps
        for t in seen
        if (m := t.measurement) and m.load.rate_rps and m.window_s
    ]
    return min(max(sum(shares) / len(shares), 0.8), 1.0) if shares else 1.0


def _slowed(arrivals: Arrivals, share: float) -> Arrivals:
    if arrivals.poisson:
        return Arrivals(poisson=Paced(rate=arrivals.poisson.rate * share))
    if arrivals.constant:
        return Arrivals(constant=Paced(rate=arrivals.constant.rate * share))
    return arrivals
