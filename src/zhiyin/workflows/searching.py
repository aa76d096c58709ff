"""The search for better settings, by Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), in a file.

Every trial is in the file when it is done, so a search that was killed goes on where it was, and a larger budget
adds to what there is. The first trial is what is used without tuning, so that nothing found is worse on this
question.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import orjson

from zhiyin._extras import need
from zhiyin.bundle import versions
from zhiyin.errors import InvalidData
from zhiyin.evaluation.standings import split_digest
from zhiyin.files import alone
from zhiyin.progress import Silent
from zhiyin.workflows.contenders import Contender, Task
from zhiyin.workflows.spaces import Choice, Space, Values, short

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

FILE = "tuning.db"
SECONDS = "seconds"  # under which a trial says how long it took


@dataclass(frozen=True, slots=True)
class Budget:
    """The same for each that is tuned, all that was tried before included."""

    seconds: float
    trials: int


@dataclass(frozen=True, slots=True)
class Trial:
    """Settings, and what they gave."""

    values: Values
    value: float


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search has found so far."""

    name: str
    title: str
    seconds: float
    trials: tuple[Trial, ...]  # those that could be fitted, in their order; the first is without tuning

    @property
    def start(self) -> Trial:
        return self.trials[0]

    @property
    def best(self) -> Trial:
        """The earliest of equals."""
        return max(self.trials, key=lambda trial: trial.value)

    @property
    def changes(self) -> Values:
        """The settings of the best that are not those of the start."""
        start = self.start.values
        return {name: value for name, value in self.best.values.items() if value != start[name]}


def search(task: Task, contender: Contender, folder: Path, budget: Budget) -> Searched:
    """Try settings until the budget is spent, going on with the study in the folder's tuning.db if there is one of
    the same question, metric, seed, space, start and version.

    Raises InvalidData if not even the settings without tuning can be fitted.
    """
    study, progress = _study(task, contender, folder), task.run.progress
    spent, n_tried = _spent(study), len(_finished(study))
    if not n_tried:
        study.enqueue_trial(dict(contender.start))
        spent, n_tried = _tried(study, task, contender, silent=False), 1  # it tells how it is read and fitted
    before, n_before = spent, n_tried
    progress.start(f"tuning {contender.title}", 1.0)
    while spent < budget.seconds and n_tried < budget.trials:
        share = max(
            (spent - before) / (budget.seconds - before), (n_tried - n_before) / (budget.trials - n_before)
        )
        progress.advance(share, f"{n_tried} tried, best {task.metric} {study.best_value:.4f}")
        spent += _tried(study, task, contender, silent=True)
        n_tried += 1
    progress.done()
    fitted = [(trial.params, trial.value) for trial in _finished(study) if trial.value is not None]
    trials = tuple(Trial(short(values), value) for values, value in fitted)
    return Searched(contender.name, contender.title, _spent(study), trials)


def _tried(study: Study, task: Task, contender: Contender, *, silent: bool) -> float:
    """One more trial; the seconds that it took."""
    trial_state = need("optuna.trial", extra="tune").TrialState
    run = replace(task.run, progress=Silent()) if silent else task.run
    began = perf_counter()
    trial = study.ask(_distributions(contender.space))
    try:
        value = task.value(contender, short(trial.params), run)
    except InvalidData:
        if not silent:
            raise
        trial.set_user_attr(SECONDS, perf_counter() - began)
        study.tell(trial, state=trial_state.FAIL)
    else:
        trial.set_user_attr(SECONDS, perf_counter() - began)
        study.tell(trial, value)
    return perf_counter() - began


def _study(task: Task, contender: Contender, folder: Path) -> Study:
    """The study of this search; another question, space, start or version has a study of its own."""
    optuna = need("optuna", extra="tune")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    asked = {
        "split": split_digest(task.split),
        "metric": task.metric,
        "seed": task.run.seed,
        "made": f"{versions()['zhiyin']} {task.run.encoder.fingerprint}",
        "space": {name: str(dimension) for name, dimension in contender.space.items()},
        "start": dict(contender.start),
    }
    digest = hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    with alone((folder / FILE).with_suffix(".lock")):  # two at once would both make its tables
        study = optuna.create_study(
            storage=f"sqlite:///{folder / FILE}",
            study_name=f"{contender.name} {digest}",
            direction="maximize",
            load_if_exists=True,
        )
    study.sampler = optuna.samplers.TPESampler(
        seed=task.run.seed + len(study.trials)
    )  # never the same draws again
    return study


def _distributions(space: Space) -> dict[str, BaseDistribution]:
    """The space in Optuna's words."""
    ways = need("optuna.distributions", extra="tune")
    found: dict[str, BaseDistribution] = {}
    for name, one in space.items():
        if isinstance(one, Choice):
            found[name] = ways.CategoricalDistribution(one.values)
        elif one.whole:
            found[name] = ways.IntDistribution(int(one.low), int(one.high), log=one.log)
        else:
            found[name] = ways.FloatDistribution(one.low, one.high, log=one.log)
    return found


def _finished(study: Study) -> list[FrozenTrial]:
    """Those that came to an end, in their order; what was killed in the middle is none of them."""
    return [trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()]


def _spent(study: Study) -> float:
    return sum(float(trial.user_attrs.get(SECONDS, 0.0)) for trial in _finished(study))
