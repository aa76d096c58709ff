"""What lists of a made-up world say of another policy, against what it earns there."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from made_up_lists import PLACES, Lists

from zhiyin.metrics.off_policy_lists import PredictedLists, cascade_dr, places_dr
from zhiyin.policies.learning import worth
from zhiyin.policies.softmax import Softmax
from zhiyin.types import IntervalName
from zhiyin.workflows.asking import Asked, asked, people_of, predictions
from zhiyin.workflows.learn_policy import lessons_of
from zhiyin.workflows.ways import INTERVALS, Told, ways

SERVED, SHARPER = Softmax(0.5, 0.1), Softmax(0.3, 0.05)


def told(found: Asked, interval: IntervalName = "bootstrap") -> dict[str, Told]:
    return {one.way: one for one in ways(found, interval)}


@pytest.mark.slow
@pytest.mark.parametrize("heard", [0.0, 0.8], ids=["alone", "seen from above"])
def test_intervals_hold_what_the_policy_earns(heard: float) -> None:
    """Also where a place earns less below one that was liked, for those ways that assume no more than that."""
    held, worlds = defaultdict[tuple[str, str], list[bool]](list), range(300, 302)
    for seed in worlds:
        world = Lists.of(seed, SERVED, heard)
        truth = world.value(SHARPER, 6_000, seed)
        alone = None if heard else world.value_of_places(SHARPER, 6_000, seed)
        for run in range(15):
            found = asked(world.drawn(150, 2, 1_000 * seed + run), SHARPER, world.space)
            for interval in INTERVALS:
                for way, one in told(found, interval).items():
                    right = truth if way.startswith(("cascade", "whole")) else alone
                    if one.value is not None and right is not None:
                        held[way, interval].append(one.value.low <= right <= one.value.high)
    names = {"cascade", "cascade DR", "whole list"}
    names |= set() if heard else {"places", "places DR", "places switch-DR"}
    for (way, interval), holds in held.items():
        if way in names:
            assert len(holds) > 20
            assert np.mean(holds) >= (0.83 if interval in ("bootstrap", "normal") else 0.95), (way, interval)


@pytest.mark.slow
def test_an_item_that_moves_up_is_missed_below_by_ways_that_look_at_more_than_one_place() -> None:
    """One item alone is wanted, by everybody; it is in nearly every list."""
    world = Lists.of(5, Softmax(0.5, 0.2))
    shown = []
    for one in world.drawn(700, 1, 6):
        wanted = (one.scores.argmax() == one.order).astype(float)
        shown.append(replace(one, rewards=wanted))
    found = told(asked(shown, Softmax(0.15, 0.05), world.space))
    assert found["places DR"].point is not None
    assert found["places DR"].point > 1.3, "each place alone would show it"
    interval = found["cascade DR"].value
    assert interval is not None
    assert interval.value < 1.1, "it can be shown once"


@pytest.mark.slow
def test_a_model_that_knows_something_makes_answers_surer() -> None:
    world = Lists.of(7, SERVED)
    widths = []
    shown = [replace(one, rewards=(one.scores[one.order] > 0.3) * 1.0) for one in world.drawn(400, 2, 8)]
    for way in ("cascade", "cascade DR"):
        value = told(asked(shown, SHARPER, world.space))[way].value
        assert value is not None
        widths.append(value.high - value.low)
    assert widths[1] < 0.95 * widths[0]


@pytest.mark.slow
def test_no_interval_is_offered_for_a_model_alone() -> None:
    world = Lists.of(9, SERVED)
    found = asked(world.drawn(100, 2, 1), SHARPER, world.space)
    for interval in INTERVALS:
        one = told(found, interval)["model alone"]
        assert one.point is not None
        assert one.value is one.gain is None


@pytest.mark.slow
def test_one_person_however_often_met_tells_nothing_of_others() -> None:
    world = Lists.of(10, SERVED)
    shown = [replace(one, person="always the same") for one in world.drawn(200, 2, 2)]
    for one in ways(asked(shown, SHARPER, world.space), "bootstrap"):
        assert one.overlap.light == "red"
        assert "only 1.0 people count" in one.overlap.reasons
        assert one.point is None


def test_what_was_never_done_is_no_answer_in_any_way() -> None:
    world = Lists.of(11, Softmax(0.02, 0.0))
    for one in ways(asked(world.drawn(300, 1, 3), Softmax(2.0, 0.5), world.space), "bootstrap"):
        assert (one.overlap.light, one.point) == ("red", None), one.way


@pytest.mark.slow
def test_without_the_policy_that_was_served_clusters_are_silent_and_the_rest_speaks() -> None:
    world = Lists.of(12, SERVED)
    shown = world.drawn(200, 2, 4)
    unknown = [replace(one, served=None) for one in shown]
    assert set(told(asked(shown, SHARPER, world.space))) - set(told(asked(unknown, SHARPER, world.space))) == {
        "clusters"
    }
    half = [*shown[:200], *unknown[200:]]
    assert told(asked(half, SHARPER, world.space))["clusters"].overlap.n == 200


def test_the_mean_of_what_is_predicted_of_every_candidate_is_what_is_predicted_of_the_policy() -> None:
    world = Lists.of(13, SERVED)
    shown = world.drawn(60, 2, 5)
    found = asked(shown, SHARPER, world.space)
    for n, (one, table) in enumerate(zip(shown, predictions(shown, world.space), strict=True)):
        chances = SHARPER.table(one.scores, one.order, one.diversity)
        assert found.predicted.of_policy[n] == pytest.approx((chances * table).sum(axis=1), abs=1e-5)
        assert found.predicted.of_places[n] == pytest.approx(table[np.arange(PLACES), one.order], abs=1e-5)


def test_what_is_learned_by_is_the_estimate_that_it_is_judged_by() -> None:
    """Up to what is expected below a place, which is a constant where a policy learns."""
    world = Lists.of(14, SERVED)
    shown = world.drawn(80, 2, 6)
    shown[3] = replace(
        shown[3], order=shown[3].order[:2], before=shown[3].before[:2], rewards=shown[3].rewards[:2]
    )
    lessons = lessons_of(shown, world.space, SHARPER)
    weights = np.random.default_rng(7).normal(size=3 + world.z.shape[1]) * 0.1
    moved = [
        one.scores + weights[0] * (one.scores - one.scores.max()) + world.space.z[one.items] @ weights[3:]
        for one in shown
    ]
    found = asked(shown, SHARPER, world.space, moved)
    below = np.append(lessons.usual[::-1].cumsum()[::-1][1:], 0.0) * (lessons.picks >= 0)
    below[3, 1:] = 0.0
    below[3, 0] = lessons.usual[1]
    onward = PredictedLists(found.predicted.of_places + below, found.predicted.of_policy + below)
    assert worth(lessons, weights, 0.0)[0] == pytest.approx(cascade_dr(found.log, onward).value, abs=1e-4)
    assert places_dr(found.log, found.predicted).value != pytest.approx(cascade_dr(found.log, onward).value)
    assert (people_of(shown) == found.people).all()
