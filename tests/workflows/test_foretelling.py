"""Open windows on their whole way: traces that are learned and judged as of moments, lists that follow them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from small_shop import small_shop

from visitors import visited
from zhiyin.data.answers import Outline
from zhiyin.live import Live
from zhiyin.settings_lists import BeliefSettings
from zhiyin.shop import Zhiyin
from zhiyin.types import AsOf, Event, Item
from zhiyin.workflows import foretelling
from zhiyin.workflows.believing import Learned, learn_belief
from zhiyin.workflows.erase import erase
from zhiyin.workflows.exploring import exploration
from zhiyin.workflows.replay import replay
from zhiyin.workflows.settling import Settled
from zhiyin.workflows.train import train

DAY, HOUR = 86_400.0, timedelta(hours=1)
WINDOW = 4.0 * DAY
SAID = BeliefSettings(progressive=True, window=WINDOW)
ITEMS = [Item(f"item {n}", f"thing {n}") for n in range(40)]
VECTORS = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)


def exposures(*, told: float, days: float = 20.0, seed: int = 0) -> list[Settled]:
    """Items come one by one; a purchase follows a click a day later as often as `told` says, else by chance."""
    rng = np.random.default_rng(seed)
    worth = rng.uniform(0.0, 0.5, len(ITEMS))
    found = []
    for n, at in enumerate(np.linspace(0.0, days * DAY, 6_000).tolist()):
        row = rng.integers(1 + n * len(ITEMS) // 6_000)  # the newest have been there for hours
        wanted, chance = rng.random() < worth[row], rng.random() < 0.25
        bought = wanted if rng.random() < told else chance
        answers = [(at + 20.0, 0.1)] * bool(wanted) + [(at + rng.exponential(DAY), 1.0)] * bool(bought)
        within = [reward for when, reward in answers if when <= at + WINDOW]
        outline = Outline(at, "for_you", False, {ITEMS[row].item_id: 1.0}, [-1.0])
        user, name = f"user {rng.integers(60)}", ITEMS[row].item_id
        found.append(Settled(f"list {n}", user, name, outline, max(within, default=0.0), tuple(answers)))
    return found


def learned(shown: Sequence[Settled], said: BeliefSettings = SAID) -> Learned:
    return learn_belief(shown, ITEMS, VECTORS, said)


@pytest.mark.slow
def test_what_clicks_foretell_is_kept_where_it_would_have_helped_then() -> None:
    found = learned(exposures(told=1.0))
    assert found.model is not None
    assert found.foretelling is not None
    assert found.foretelling.closer > 2.0 * found.foretelling.doubt > 0
    assert found.model.progressive is not None
    assert found.model.stages[-1] == WINDOW
    assert found.model.progressive.stages[0].known > 0.4
    assert "taken away by what they foretell" in found.sentence
    assert "left out" not in found.sentence
    without = learned(exposures(told=1.0), SAID.model_copy(update={"progressive": False}))
    assert without.model is not None
    assert without.model.progressive is None
    assert "open windows" not in without.sentence


@pytest.mark.slow
def test_nothing_of_what_came_later_is_known_at_a_moment_that_is_judged() -> None:
    """What is answered after the newest fifth was shown makes no difference to what is foretold of it."""
    shown = exposures(told=1.0)
    first = shown[int(0.8 * len(shown))].outline.at
    cut = [replace(one, answers=tuple(told for told in one.answers if told[0] <= first)) for one in shown]
    model = learned(shown).model
    assert model is not None
    assert model.progressive is not None
    catalogue = foretelling.Catalogue(ITEMS, VECTORS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(foretelling, "MOMENTS", 1)
        found = [foretelling.Trial(some, catalogue, first).expected(model) for some in (shown, cut)]
    np.testing.assert_array_equal(*found)
    assert (found[0] != foretelling.Trial(shown, catalogue, first).expected(model)).any(), "more is known later"


@pytest.mark.slow
def test_few_that_were_over_in_time_are_not_judged() -> None:
    found = learned(exposures(told=1.0, days=4.5))
    assert found.model is not None
    assert found.model.progressive is None
    assert "open windows: fewer than" in found.sentence


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Zhiyin:
    """A shop that counts open windows, whatever the gate says of so few days."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(foretelling, "SURE", -100.0)
        shop = small_shop(tmp_path_factory.mktemp("staged"), repeats=True)
        shop.settings = shop.settings.model_copy(update={"belief": BeliefSettings(progressive=True)})
        shop.publish(train(shop).bundle)
        visited(shop, likes, 500)
        shop.publish(train(shop).bundle)
    return shop


def likes(_: str, item_id: str) -> float:
    return 0.5 if item_id in ("garden/lamp", "kitchen/plate", "music/song") else 0.05


@pytest.mark.slow
def test_lists_that_count_open_windows_come_out_the_same_whatever_happened_since(staged: Zhiyin) -> None:
    model = staged.live().folded.bundle.fitted.belief
    assert model is not None
    assert model.progressive is not None
    lists = visited(staged, likes, 30, day=30, seed=5)
    staged.add_events(
        [
            Event(
                one.query.user_id or "",
                one.items[0].item_id,
                "purchase",
                one.at + timedelta(hours=9),
                recommendation_id=one.recommendation_id,
            )
            for one in lists
        ]
    )
    visited(staged, likes, 30, day=30.5, seed=6)
    for one in lists[::5]:
        assert replay(staged, one.recommendation_id).differences == ()


@pytest.mark.slow
def test_sums_of_open_windows_are_a_function_of_the_position(staged: Zhiyin) -> None:
    visited(staged, likes, 60, day=40, seed=8)
    position, bundle = staged.store.position(), staged.live().folded.bundle
    live = Live(bundle, staged.store, staged.settings.data.signals)
    for event in np.linspace(position.event - 400, position.event, 4).astype(int).tolist():
        steps, whole = (
            live.at(AsOf(event, position.item)).beliefs,
            staged.live().at(AsOf(event, position.item)).beliefs,
        )
        assert steps is not None
        assert whole is not None
        np.testing.assert_array_equal(steps.items.totals, whole.items.totals)
    stepwise = Live(bundle, staged.store, staged.settings.data.signals).snapshot().beliefs
    assert stepwise is not None
    np.testing.assert_array_equal(stepwise.items.totals, whole.items.totals)


@pytest.mark.slow
def test_it_is_told_what_open_windows_count(staged: Zhiyin) -> None:
    visited(staged, likes, 5, day=50, seed=9)
    found = exploration(staged, 20, exact=False)
    assert [one.after for one in found.stages] == pytest.approx(foretelling.stages_of(DAY)[:-1].tolist())
    assert all(0.0 < one.known <= 1.0 for one in found.stages)
    assert any(line.startswith("open windows count") and "after 1 min" in line for line in found.sentences)


@pytest.mark.slow
def test_who_is_erased_leaves_what_open_windows_count(staged: Zhiyin) -> None:
    (one,) = visited(staged, likes, 1, day=60, seed=1)
    before, ids = totals_after_a_block(staged, one.at), [place.item_id for place in one.items]
    staged.store.log([replace(one, recommendation_id="guest", query=replace(one.query, user_id="guest"))])
    staged.add_events(
        [
            Event("guest", name, what, one.at, recommendation_id="guest")
            for name in ids
            for what in ("impression", "like")
        ]
    )
    rows = staged.live().snapshot().vocabulary.rows(ids)
    assert (totals_after_a_block(staged, one.at + HOUR)[rows] > before[rows]).all(), (
        "though their windows are open"
    )
    erase(staged, "guest")
    np.testing.assert_allclose(totals_after_a_block(staged, one.at + 2 * HOUR), before, atol=1e-9)


def totals_after_a_block(shop: Zhiyin, at: datetime) -> np.ndarray:
    """(I,) once as many events came as are folded together; these answer nothing."""
    shop.add_events([Event("user 1", "garden/lamp", "view", at + timedelta(seconds=n)) for n in range(64)])
    beliefs = shop.live().snapshot().beliefs
    assert beliefs is not None
    return beliefs.items.totals


@pytest.mark.slow
def test_what_is_left_out_leaves_the_bundle_as_it_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foretelling, "SURE", 100.0)
    shown = exposures(told=0.5, days=14.0)
    with_, without = learned(shown), learned(shown, SAID.model_copy(update={"progressive": False}))
    assert with_.model is not None
    assert without.model is not None
    assert "left out" in with_.sentence
    for name, array in without.model.arrays().items():
        np.testing.assert_array_equal(with_.model.arrays()[name], array)
    assert len(with_.model.arrays()) == len(without.model.arrays())


def test_what_was_known_of_an_exposure_at_a_moment() -> None:
    (one,) = [
        replace(one, answers=((one.outline.at + 20.0, 0.1), (one.outline.at + DAY, 1.0)))
        for one in exposures(told=1.0)[-1:]
    ]
    at = one.outline.at
    assert one.as_of(at + 10.0, WINDOW) is None
    for after, reward in ((30.0, 0.1), (2 * DAY, 1.0), (9 * DAY, 1.0)):
        told = one.as_of(at + after, WINDOW)
        assert told is not None
        assert told.reward == reward
    silent = replace(one, answers=())
    assert silent.as_of(at + WINDOW, WINDOW) is None
    assert silent.as_of(at + WINDOW + 1.0, WINDOW) == replace(silent, reward=0.0)
