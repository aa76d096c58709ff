"""Learning from the log what to add to scores: shown to be better before it is kept, served as judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_shop import small_shop

from zhiyin.errors import BrokenBundle, InvalidData, InvalidSettings
from zhiyin.shop import Zhiyin
from zhiyin.testing.small import START
from zhiyin.types import Event, Query, Recommendation
from zhiyin.workflows.learn_policy import PEOPLE, Taught, learn_policy
from zhiyin.workflows.logged_lists import TAUGHT
from zhiyin.workflows.replay import replay
from zhiyin.workflows.shown_lists import worth_of

pytestmark = pytest.mark.slow

WISHES = ("a knife for the kitchen", "a drum", "seeds for the garden")


def earns(item_id: str) -> float:
    """What everybody wants, whatever they ask for."""
    return 0.6 if item_id.startswith("kitchen/") else 0.1


def policy(shop: Zhiyin, **said: object) -> None:
    changed = shop.settings.policy.model_copy(update=said)
    shop.settings = shop.settings.model_copy(update={"policy": changed})


def shop_in(folder: Path) -> Zhiyin:
    shop = small_shop(folder)
    policy(shop, temperature=1.0, floor=0.1)
    return shop


def serve(shop: Zhiyin, n_lists: int, seed: int, *, loved: bool = True) -> None:
    """Lists of three, each to somebody new, and what they clicked."""
    rng, events = np.random.default_rng(seed), []
    for n in range(n_lists):
        shown = listed(shop, n, f"served {seed}")
        shop.store.log([shown])
        events += [
            Event("guest", place.item_id, "click", recommendation_id=shown.recommendation_id)
            for place in shown.items
            if rng.random() < (earns(place.item_id) if loved else 0.3)
        ]
    shop.add_events(events)


def listed(shop: Zhiyin, n: int, ids: str) -> Recommendation:
    """The same list whenever the test is run."""
    return shop.recommender().recommend(Query(text=WISHES[n % 3], n=3), f"{ids}, {n}", START)


def value(shop: Zhiyin, n_lists: int = 300) -> float:
    """What a list earns; by the same chances, whatever is served."""
    lists = [listed(shop, n, "asked") for n in range(n_lists)]
    return float(np.mean([sum(earns(place.item_id) for place in one.items) for one in lists]))


def taught(shop: Zhiyin) -> Taught:
    return learn_policy(shop, worth_of(shop, "click"))


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Zhiyin, Taught, float]:
    """A shop that learned, serves what it learned, and what its lists were worth before."""
    shop = shop_in(tmp_path_factory.mktemp("learned"))
    serve(shop, 500, 1)
    found, before = taught(shop), value(shop)
    assert found.file is not None, list(found.sentences)
    policy(shop, learned=found.file)
    return shop, found, before


def test_what_people_want_and_the_scores_do_not_know_is_learned_judged_and_earns(
    learned: tuple[Zhiyin, Taught, float],
) -> None:
    shop, found, before = learned
    assert found.gain.low > 0
    assert all("kitchen" in title for title in found.lifted)
    assert not any("kitchen" in title for title in found.lowered)
    after = value(shop)
    assert after > before + 0.02
    assert found.gain.low - 0.02 < after - before < found.gain.high + 0.02


def test_it_is_a_part_of_the_sum_and_a_list_is_made_again_bit_for_bit(
    learned: tuple[Zhiyin, Taught, float],
) -> None:
    shop, _, _ = learned
    shown = shop.answer(Query(text="a drum", n=3))
    assert shown.policy == f"softmax{TAUGHT}"
    for place in shown.items:
        assert "learned" in place.parts
        assert place.score == pytest.approx(sum(place.parts.values()))
    assert replay(shop, shown.recommendation_id).same
    latest = shop.compute(Query(scenario="latest", n=3))
    assert latest.policy == "softmax"
    assert not any("learned" in place.parts for place in latest.items)


def test_it_goes_on_learning_from_lists_that_it_moved(learned: tuple[Zhiyin, Taught, float]) -> None:
    """What it added is taken away first: the new part replaces the old one."""
    shop, first, _ = learned
    serve(shop, 200, 3)
    second = taught(shop)
    assert second.n_lists >= 700
    assert second.gain.value > 0.03
    assert second.file != first.file


def test_where_everything_is_liked_alike_nothing_is_kept(tmp_path: Path) -> None:
    shop = shop_in(tmp_path)
    serve(shop, 400, 2, loved=False)
    found = taught(shop)
    assert found.file is None
    assert not (tmp_path / "policies").exists()
    assert "nothing was written" in list(found.sentences)[-1]


def test_what_cannot_be_learned_from_is_refused(tmp_path: Path) -> None:
    shop = shop_in(tmp_path)
    serve(shop, 3, 4)
    with pytest.raises(InvalidData, match=f"3 people were shown lists .* {PEOPLE} or more"):
        taught(shop)
    policy(shop, learned="policies/learned-0123456789abcdef.json")
    with pytest.raises(BrokenBundle, match="cannot be read"):
        shop.answer(Query(n=3))
    policy(shop, name="greedy")
    with pytest.raises(InvalidSettings, match=r'policy\.name is "greedy"'):
        taught(shop)
