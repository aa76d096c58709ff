"""The temperature that lists teach: taken where newer lists agree, and served from the bundle on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_lists import Lists
from small_shop import small_shop

from visitors import visited
from zhiyin.policies.softmax import Softmax
from zhiyin.policies.tempering import STEPS
from zhiyin.shop import Zhiyin
from zhiyin.workflows.asking import asked
from zhiyin.workflows.exploring import exploration
from zhiyin.workflows.replay import replay
from zhiyin.workflows.tempering import LEAST, tempered
from zhiyin.workflows.train import train

pytestmark = pytest.mark.slow

LOVED = ("garden/lamp", "kitchen/plate", "music/song")


def likes(_: str, item_id: str) -> float:
    return 0.5 if item_id in LOVED else 0.05


def policy(shop: Zhiyin, **said: object) -> None:
    changed = shop.settings.policy.model_copy(update=said)
    shop.settings = shop.settings.model_copy(update={"policy": changed})


def test_where_the_scores_are_right_a_colder_list_is_taken_and_it_earns_more() -> None:
    served = Softmax(2.0, 0.05)
    lists = Lists.of(0, served)
    found = tempered(lists.drawn(300, 3, 0), lists.space, served, 2.0)
    assert found.temperature == found.tried < 2.0
    assert found.temperature in [2.0 * step for step in STEPS]
    assert found.start == 2.0
    earns = [lists.value(Softmax(one, 0.05), 400, 7) for one in (2.0, found.temperature)]
    assert earns[1] > earns[0]
    assert found.gain == pytest.approx(earns[1] - earns[0], abs=4.0 * found.error + 0.05)


def test_where_nothing_is_sure_what_stands_stays() -> None:
    served = Softmax(0.05, 0.3)
    lists = Lists.of(1, served)
    shown = lists.drawn(150, 3, 0)
    assert tempered(shown, lists.space, served, 0.1).temperature == 0.05, "as cold as it may be"
    few = tempered(shown[: LEAST - 1], lists.space, served, 0.1)
    assert (few.temperature, few.n_lists) == (0.05, 0)
    assert "no other one yet" in few.sentence


def test_an_adaptive_policy_is_asked_about_each_list_at_its_own_temperature() -> None:
    served = Softmax(1.0, 0.1)
    lists = Lists.of(2, served)
    shown = lists.drawn(20, 2, 0)
    half = len(shown) // 2
    shown = [replace(one, mixing=0.25) for one in shown[:half]] + shown[half:]
    adaptive = asked(shown, Softmax(2.0, 0.1, adaptive=True), lists.space).log
    cold = asked(shown, Softmax(0.5, 0.1), lists.space).log
    hot = asked(shown, Softmax(2.0, 0.1), lists.space).log
    np.testing.assert_array_equal(adaptive.weights[:half], cold.weights[:half])
    np.testing.assert_array_equal(adaptive.weights[half:], hot.weights[half:])
    assert not np.allclose(cold.weights, hot.weights)


def test_by_lists_that_were_drawn_at_their_own_temperatures_a_step_is_judged_at_theirs() -> None:
    lists = Lists.of(3, Softmax(1.0, 0.05))
    shown = []
    for n, mixing in enumerate((1.0, 0.5)):
        drawn = lists.drawn(160, 2, n, Softmax(2.0 * mixing, 0.05))
        shown += [replace(one, mixing=mixing) for one in drawn]
    mixed = [shown[n] for n in np.random.default_rng(0).permutation(len(shown))]
    found = tempered(mixed, lists.space, Softmax(2.0, 0.05, adaptive=True), 2.0)
    assert found.temperature < 2.0


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Zhiyin:
    """A shop that is drawn far too hot, and lets its log say so."""
    return shop_in(tmp_path_factory.mktemp("hot"))


def shop_in(folder: Path) -> Zhiyin:
    shop = small_shop(folder, repeats=True)
    policy(shop, temperature=15.0, floor=0.05, tempered=True)
    shop.publish(train(shop).bundle)
    visited(shop, likes, 400)
    shop.publish(train(shop).bundle)
    visited(shop, likes, 800, day=20, seed=2, n_people=200)
    return shop


def test_a_shop_takes_a_step_at_each_training_and_serves_it(learned: Zhiyin) -> None:
    made = train(learned)
    assert "temperature: " in made.temperature
    assert made.temperature in made.sentences()
    learned.publish(made.bundle)
    found = learned.live().folded.bundle.fitted.tempering
    assert found is not None
    assert found.temperature < 15.0
    lists = visited(learned, likes, 12, day=60, seed=3)
    told = exploration(learned, 12)
    assert told.mixing.temperature == found.temperature
    assert not told.left_out, "what was drawn is made again from the bundle that drew it"
    for one in lists[::4]:
        assert replay(learned, one.recommendation_id).differences == ()


def test_an_adaptive_shop_logs_what_it_drew_by_and_the_same_list_comes_again(learned: Zhiyin) -> None:
    policy(learned, temperature=0.3, adaptive=True, tempered=False)
    lists = visited(learned, likes, 30, day=70, seed=4)
    known = [one.mixing for one in lists]
    assert all(one is not None and 0.2 <= one < 1.0 for one in known), "much is known of 25 items by now"
    assert len(set(known)) > 10, "people are known differently well"
    for one in lists[::6]:
        assert replay(learned, one.recommendation_id).differences == ()
    told = exploration(learned, 30)
    assert not told.left_out
    assert told.mixing.coefficient == pytest.approx(sum(known) / len(known))
    assert any("times" in line for line in told.sentences)
