"""Tuning: on the validation part alone, the same budget for everybody, and nothing that was tried is lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from small_shop import small_shop

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.errors import InvalidData
from zhiyin.evaluation.judging import OURS
from zhiyin.evaluation.posing import Terms, pose
from zhiyin.models.base import Run
from zhiyin.models.baselines import Peer
from zhiyin.recipe import DefaultRecipe
from zhiyin.settings import FILE as SETTINGS
from zhiyin.settings_file import load_settings
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.workflows.contenders import Contender, Task, contenders
from zhiyin.workflows.evaluate import evaluate_bundle
from zhiyin.workflows.searching import Budget, Searched, search
from zhiyin.workflows.spaces import Span, Values
from zhiyin.workflows.stories import tuned_story
from zhiyin.workflows.train import train
from zhiyin.workflows.tune import UNTUNED, Tuned, Wishes, tune, write_settings

pytestmark = pytest.mark.slow  # many fits: not in the fast loop

DATA = build_dataset(small_catalogue(), small_events(60))
TASK = Task(pose(DATA, Terms(part="validation")).split, "ndcg@10", Run(HashEncoder()))
RECIPE = DefaultRecipe()
EASE = contenders(RECIPE, DATA)[1]


def searched(folder: Path, trials: int, task: Task = TASK, contender: Contender = EASE) -> Searched:
    return search(task, contender, folder, Budget(600, trials))


def test_the_first_trial_is_what_there_is_and_nothing_found_is_worse(tmp_path: Path) -> None:
    found = searched(tmp_path, 8)
    assert found.start.values == EASE.start
    assert found.start.value == pytest.approx(TASK.value(EASE, EASE.start))
    assert len(found.trials) == 8
    assert found.best.value == max(trial.value for trial in found.trials) >= found.start.value
    assert found.best.value == pytest.approx(TASK.value(EASE, found.best.values)), "as told, so it is"
    span = EASE.space["reg"]
    assert isinstance(span, Span)
    assert all(span.low <= float(trial.values["reg"] or 0) <= span.high for trial in found.trials)
    assert len({trial.values["reg"] for trial in found.trials}) == 8
    assert set(found.changes) == ({"reg"} if found.best != found.start else set())


def test_a_search_goes_on_where_it_was_and_what_is_spent_is_spent(tmp_path: Path) -> None:
    first = searched(tmp_path, 4)
    assert searched(tmp_path, 4) == first, "the budget was spent"
    more = searched(tmp_path, 9)
    assert more.trials[:4] == first.trials
    assert len({trial.values["reg"] for trial in more.trials}) == 9, "no draw comes again"
    assert more.seconds > first.seconds
    assert search(TASK, EASE, tmp_path, Budget(more.seconds / 2, 99)) == more


def test_searches_that_begin_at_once_share_what_they_find(tmp_path: Path) -> None:
    began = Barrier(3)

    def begin(_: int) -> Searched:
        began.wait()
        return searched(tmp_path, 3)

    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(begin, range(3)))
    assert all(len(one.trials) >= 3 for one in found)
    assert len(searched(tmp_path, 3).trials) >= 3


def test_without_time_only_what_there_is_is_measured(tmp_path: Path) -> None:
    assert len(search(TASK, EASE, tmp_path, Budget(0, 99)).trials) == 1


def test_another_question_start_or_seed_is_another_search(tmp_path: Path) -> None:
    searched(tmp_path, 3)
    for task, contender in (
        (replace(TASK, metric="hr@10"), EASE),
        (replace(TASK, split=pose(DATA, Terms(part="test")).split), EASE),
        (replace(TASK, run=Run(HashEncoder(), seed=1)), EASE),
        (TASK, replace(EASE, start={"reg": 77.0})),
    ):
        assert len(searched(tmp_path, 1, task, contender).trials) == 1
    assert len(searched(tmp_path, 1).trials) == 3


def fitted_if(fits: Callable[[float], bool]) -> Contender:
    """EASE, whose equations have a solution for some."""

    def fit(values: Values, data: Dataset, run: Run) -> Peer:
        if not fits(float(values["reg"] or 0)):
            raise InvalidData("no solution")
        return EASE.fit(values, data, run)

    return replace(EASE, fit=fit)


def test_what_cannot_be_fitted_is_passed_over_and_counts(tmp_path: Path) -> None:
    found = searched(tmp_path, 12, contender=fitted_if(lambda reg: reg >= 500))
    assert 1 < len(found.trials) < 12
    assert all(float(trial.values["reg"] or 0) >= 500 for trial in found.trials)
    assert searched(tmp_path, 12, contender=fitted_if(lambda reg: reg >= 500)) == found


def test_if_not_even_what_there_is_can_be_fitted_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="no solution"):
        searched(tmp_path, 3, contender=fitted_if(lambda _: False))
    assert searched(tmp_path, 1).start.values == EASE.start, "and it is tried again"


ENDLESS = """
import sys
from pathlib import Path
from test_tune import EASE, TASK, Budget, search
from zhiyin.progress import Silent
from dataclasses import replace
class Told(Silent):
    def advance(self, done, note=""):
        print(note, flush=True)
search(replace(TASK, run=replace(TASK.run, progress=Told())), EASE, Path(sys.argv[1]), Budget(600, 10**6))
"""


@pytest.mark.slow
def test_a_killed_search_keeps_what_it_tried(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent,
    ) as process:
        assert process.stdout is not None
        assert any(line.startswith("4 tried, best ndcg@10 0.") for line in process.stdout)
        process.kill()
    n_kept = len(searched(tmp_path, 1).trials)
    assert n_kept >= 4
    assert len(searched(tmp_path, n_kept + 2).trials) == n_kept + 2


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    with small_shop(tmp_path_factory.mktemp("tuned")) as shop:
        return tune(shop, Wishes(Budget(600, 3), Terms(resamples=100), test=True))


def test_everybody_is_tuned_on_the_validation_part_with_one_budget(found: Tuned) -> None:
    assert [one.name for one in found.searches] == [OURS, "ease", "item_knn", "text_knn"]
    assert [len(one.trials) for one in found.searches] == [3] * 4
    assert "until" in found.words or "second-last" in found.words


def test_its_numbers_are_those_of_the_evaluation(found: Tuned, tmp_path: Path) -> None:
    assert found.test is not None
    with small_shop(tmp_path) as shop:
        bundle = train(shop).bundle
        whole = evaluate_bundle(shop, bundle, Terms(part="validation", resamples=10)).whole
        assert found.searches[0].start.value == pytest.approx(whole.ours["ndcg@10"])
        for one in found.searches[1:]:
            assert one.start.value == pytest.approx(whole.peers[one.name]["ndcg@10"]), one.name
        whole = evaluate_bundle(shop, bundle, Terms(resamples=10)).whole
        assert found.test.peers[UNTUNED]["ndcg@10"] == pytest.approx(whole.ours["ndcg@10"])
    assert set(found.test.peers) == {UNTUNED, "ease", "item_knn", "text_knn"}


def test_every_trial_is_noted_for_those_who_watch(found: Tuned) -> None:
    story = tuned_story("shop", RECIPE, found.metric, found.searches)
    ease = [(point.step, point.value) for point in story.points if point.name == "tune/ease"]
    assert ease == [(number, trial.value) for number, trial in enumerate(found.searches[1].trials, start=1)]
    assert story.results["ndcg@10 ours"] == found.searches[0].best.value
    for name, value in found.searches[0].best.values.items():
        assert story.settings[name] == ("null" if value is None else value)


def test_the_test_part_is_asked_only_where_it_is_wished_for(tmp_path: Path) -> None:
    with small_shop(tmp_path) as shop:
        assert tune(shop, Wishes(Budget(0, 1))).test is None


def test_what_was_found_is_written_as_it_is_told(found: Tuned, tmp_path: Path) -> None:
    start, best = found.searches[0].start, replace(found.searches[0].start, value=2.0)
    better = replace(best, values={**best.values, "taste.reg": 50.0, "taste.k": 77})
    ours = replace(found.searches[0], trials=(start, better))
    told = replace(found, searches=(ours, *found.searches[1:]))
    assert told.lines() == ["[recipe.taste]", "reg = 50.0", "k = 77"]
    (tmp_path / SETTINGS).write_text('name = "mine"\n')
    with small_shop(tmp_path) as shop:
        write_settings(shop, replace(found, searches=(replace(ours, trials=(start,)), *found.searches[1:])))
        assert (tmp_path / SETTINGS).read_text() == 'name = "mine"\n', "nothing was better"
        write_settings(shop, told)
    assert (load_settings(tmp_path).recipe.taste.reg, load_settings(tmp_path).recipe.taste.k) == (50.0, 77)
