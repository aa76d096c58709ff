"""What the page of two policies asks for: lists of both, and both before made-up people."""

from __future__ import annotations

import asyncio
import json
import math
from contextlib import suppress
from urllib.parse import urlencode

import pytest
from asking import NOW, Caller, problem

from zhiyin.errors import InvalidData
from zhiyin.service.pages import policies
from zhiyin.service.problems import Overloaded
from zhiyin.settings_lists import PolicySettings
from zhiyin.shop import Zhiyin
from zhiyin.types import Query
from zhiyin.workflows.courses import Scene

GREEDY, SOFT = {"name": "greedy"}, {"name": "softmax", "temperature": 1.0, "floor": 0.2}
PAIR, RACE = "/console/api/policies/pair", "/console/api/policies/race"


def address(path: str, left: object = GREEDY, right: object = SOFT, **more: object) -> str:
    return f"{path}?{urlencode({'left': json.dumps(left), 'right': json.dumps(right), **more})}"


def test_both_lists_are_those_that_each_policy_shows_with_their_probabilities(shared: Caller) -> None:
    found = shared.get(address(PAIR, user_id="user 1")).json()
    left, right = found["sides"]
    assert [card["probability"] for card in left["items"]] == [1.0] * len(left["items"])
    assert not any(card["explored"] for card in left["items"])
    assert all(0 < card["probability"] < 1 for card in right["items"])
    assert any(card["explored"] for card in right["items"])
    assert left["expected"] is None
    assert left["items"][0]["want"] is None
    ids = [{card["item_id"] for card in side["items"]} for side in (left, right)]
    assert found["shared"] == len(ids[0] & ids[1])
    again = shared.get(address(PAIR, user_id="user 1")).json()
    assert again == found
    other = shared.get(address(PAIR, user_id="user 1", draw=1)).json()
    assert other["sides"][0] == left
    assert other["sides"][1] != right


def test_the_probability_is_that_of_the_policy_in_question_and_not_of_the_shop(shared: Caller) -> None:
    """Of the first place, by hand: (1 - floor) softmax(score) + floor / candidates."""
    found = shared.get(address(PAIR, GREEDY, SOFT, user_id="user 1")).json()
    card = found["sides"][1]["items"][0]
    ranked = shared.shop.recommender().recommend(Query(user_id="user 1", n=policies.PLACES), "any", NOW)
    scores = dict(ranked.candidates)
    total = sum(math.exp(score) for score in scores.values())
    by_hand = 0.8 * math.exp(scores[card["item_id"]]) / total + 0.2 / len(scores)
    assert card["probability"] == pytest.approx(by_hand, rel=1e-3)


def test_of_a_made_up_person_the_truth_is_told(shared: Caller) -> None:
    found = shared.get(address(PAIR, made_up=2)).json()
    assert len(found["loved"]) == policies.LOVED
    for side in found["sides"]:
        wants = [card["want"] for card in side["items"]]
        assert all(0 < want < 1 for want in wants)
        by_hand = sum(0.8 * 0.9**place * want for place, want in enumerate(wants))
        assert side["expected"] == pytest.approx(by_hand)
    assert shared.get(address(PAIR, made_up=3)).json()["loved"] != found["loved"]


@pytest.mark.slow
def test_a_race_tells_round_by_round_and_is_the_same_again(shared: Caller) -> None:
    path = address(RACE, people=3, rounds=2, seed=4)
    told = [json.loads(line) for line in shared.get(path).text.splitlines()]
    assert [step["round"] for step in told] == [1, 2]
    regrets = [step["sides"][1]["regret"] for step in told]
    assert 0 < regrets[0] < regrets[1]
    stand = told[0]["sides"][0]
    assert regrets[0] != stand["regret"] == pytest.approx(stand["best"] - stand["clicks"])
    assert [json.loads(line) for line in shared.get(path).text.splitlines()] == told


def test_what_is_no_policy_is_told(shared: Caller) -> None:
    text = {"name": "softmax", "temperature": "0.1"}
    for bad in ({"name": "best"}, {"name": "softmax", "temperature": 0}, text, {"what": 1}, "greedy"):
        assert "a policy is JSON such as" in problem(shared.get(address(PAIR, right=bad)), 422)
    assert "a policy is JSON" in problem(shared.get(f"{PAIR}?left=&right="), 422)
    assert "made_up" in problem(shared.get(address(PAIR, made_up=0)), 422)
    assert "people" in problem(shared.get(address(RACE, people=100_000)), 422)


@pytest.mark.slow
def test_two_races_at_once_are_one_too_many(shop: Zhiyin) -> None:
    async def begin_twice() -> bytes:
        stage = policies.Stage(shop)
        sides = [PolicySettings(name="greedy")] * 2
        first = stage.race(sides, Scene(3, 2, 3))
        await anext(first)
        with pytest.raises(Overloaded, match="one at a time"):
            stage.check_race()
        refused = await anext(stage.race(sides, Scene(3, 2, 3)))
        await first.aclose()  # whoever goes away makes room, once the round under way has ended
        while True:
            with suppress(Overloaded):
                stage.check_race()
                break
            await asyncio.sleep(0.01)
        last = stage.race(sides, Scene(3, 2, 3))
        assert b'"round":1' in await anext(last)
        await last.aclose()
        return refused

    assert b"being simulated already" in asyncio.run(begin_twice())


def test_a_shop_too_large_to_be_copied_says_what_to_do(shop: Zhiyin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "MOST_EVENTS", 5)
    with pytest.raises(InvalidData, match="zhiyin simulate --policy NAME"):
        policies.Stage(shop).check_race()
