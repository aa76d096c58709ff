"""The whole loop in the simulator: serve, log, learn, evaluate, promote; two new items, one worth it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from asking import calling

from zhiyin.data.answers import BELIEF
from zhiyin.data.shop.catalogue import Good, read_goods
from zhiyin.data.store.open import open_store
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.policies.greedy import Greedy
from zhiyin.settings import Settings
from zhiyin.settings_lists import PolicySettings
from zhiyin.shop import Zhiyin, policy_of
from zhiyin.types import Item
from zhiyin.workflows.courses import Scene
from zhiyin.workflows.exploring import Exploration, exploration
from zhiyin.workflows.lives import Life
from zhiyin.workflows.off_policy import OffPolicy, off_policy, question_of
from zhiyin.workflows.simulate import begun
from zhiyin.workflows.worlds import Newcomer

pytestmark = pytest.mark.slow

BUDGET = 0.05
POLICY = PolicySettings(name="budgeted", budget=BUDGET)
FINAL = PolicySettings(name="softmax", temperature=0.1)
SCENE = Scene(people=400, n=5, seed=1, arriving=0.0)
BEFORE, UNLEARNED, AFTER = 6, 4, 6  # rounds: until the first training, the newcomers' first, after the second


@dataclass(frozen=True, slots=True)
class Loop:
    """What is left when all is over."""

    good: int  # places of the last rounds
    bad: int
    learned: list[str]  # what came of each training
    believes: bool
    spent: Exploration
    estimate: OffPolicy
    truth: float  # of the final policy
    answered: list[str]  # parts of a list that the running service makes then
    kept: float  # truth of the served policy, as a share of that of greedy lists from the same candidates


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory, sentence_encoder: SentenceEncoder) -> Iterator[Loop]:
    shop = made_shop(tmp_path_factory.mktemp("loop"), sentence_encoder)
    with begun(shop, [POLICY], SCENE) as first:  # the same people come again: what do they want most?
        wanted = first.world.utility(first.crowd.tastes).mean(axis=0)
        loved = shop.item(first.world.ids[int(wanted.argmax())])
    good = Newcomer(BEFORE + 1, replace(loved, item_id="good", title=f"{loved.title}, the second"), 1.0)
    bad = Newcomer(BEFORE + 1, Item("bad", "Thing 17", "Stuff of some kind, in a box."), -1.0)
    with begun(shop, [POLICY], SCENE, [good, bad]) as simulation:
        life = simulation.lives[0]
        told = []
        for rounds in (BEFORE, UNLEARNED, AFTER):
            shown = [simulation.turn() for _ in range(rounds)]
            told.append(life.learn())
        simulation.settle()
        last = [
            place.item_id for one in life.shop.store.recent(limit=len(shown) * SCENE.people) for place in one.items
        ]
        yield Loop(
            good=last.count("good"),
            bad=last.count("bad"),
            learned=told,
            believes=life.shop.live().folded.bundle.fitted.belief is not None,
            spent=exploration(life.shop, 10_000, exact=False),
            estimate=off_policy(life.shop, question_of(life.shop, FINAL.model_dump(), "click")),
            truth=life.truth(policy_of(FINAL)).value,
            answered=_answered(life),
            kept=_kept(life),
        )


def made_shop(folder: Path, encoder: SentenceEncoder) -> Zhiyin:
    """A quarter of the made catalogue, nothing trained."""
    shop = Zhiyin(Settings(folder=folder), open_store(f"sqlite:///{folder / 'shop.db'}"), encoder)
    shop.put_items([item_of(good) for good in read_goods()[::4]])
    shop.live()
    return shop


def item_of(good: Good) -> Item:
    return Item(
        good.item_id, str(good.row["title"]), str(good.row["text"]), categories=(good.department, good.aisle)
    )


def _answered(life: Life) -> list[str]:
    with calling(life.shop) as caller:
        answer = caller.post("/v1/recommend", {"user_id": "simulated-1", "n": 5}).json()
    return sorted({part for place in answer["items"] for part in place["parts"]})


def _kept(life: Life) -> float:
    return life.truth(policy_of(POLICY)).value / life.truth(Greedy()).value


def test_what_people_answer_is_learned_measured_and_promoted(loop: Loop) -> None:
    assert all("published" in one for one in loop.learned)
    assert loop.believes
    assert BELIEF in loop.answered


def test_the_good_newcomer_is_found_and_the_bad_one_is_let_go(loop: Loop) -> None:
    usual = AFTER * SCENE.people * SCENE.n / len(read_goods()[::4])
    assert loop.good > usual > loop.bad
    assert loop.good > 2 * loop.bad


def test_the_loss_stays_within_the_budget(loop: Loop) -> None:
    assert loop.spent.lost is not None
    assert loop.spent.lost.high < BUDGET
    assert loop.kept > 1 - BUDGET, "and so it is in truth"


def test_the_estimate_of_the_final_policy_covers_its_true_value(loop: Loop) -> None:
    values = [one.value for one in loop.estimate.told if one.value is not None]
    assert values
    assert all(value.low <= loop.truth <= value.high for value in values), (values, loop.truth)
