"""What showing an item came to: the one table, dwell by its logarithm, and one outcome of many answers."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from zhiyin.data.rewards import SILENT, outcome, reward_of
from zhiyin.data.signals import WEIGHTS, Signals
from zhiyin.types import EVENT_TYPES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "policies.md"
PLAIN = Signals()
numbers = st.floats(-1, 1)


def test_the_published_table_is_the_one_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (-?[\d.]+) \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert {name: float(worth) for name, worth in rows} == {
        name: worth for name, worth in WEIGHTS.items() if name not in SILENT
    }


def test_an_answer_is_worth_its_weight_unless_said_otherwise() -> None:
    own = Signals(weights={"click": 0.4, "cart": 3.0}, rewards={"like": 0.2, "hide": -0.5})
    assert reward_of(PLAIN, "click", None) == 0.5
    assert reward_of(own, "click", None) == 0.4
    assert reward_of(own, "cart", None) == 1.0, "never more than a purchase"
    assert reward_of(own, "like", None) == 0.2
    assert own.weight("like", None) == 1.0, "histories go by the weights alone"
    assert reward_of(own, "hide", None) == -0.5


def test_dwell_counts_by_its_logarithm_up_to_a_like() -> None:
    assert reward_of(PLAIN, "view", None) == 0.3
    assert reward_of(PLAIN, "view", 0.0) == 0.0, "a bounce"
    assert reward_of(PLAIN, "view", 5.0) == pytest.approx(math.log(6) / math.log(31))
    assert reward_of(PLAIN, "view", 30.0) == reward_of(PLAIN, "view", 4_000.0) == 1.0
    assert reward_of(Signals(rewards={"like": 0.6}), "view", 99.0) == 0.6
    assert reward_of(Signals(rewards={"view": 0.0}), "view", 99.0) == 0.0, "who says that views are worth nothing"


def test_stars_below_the_threshold_are_turned_down() -> None:
    stars = Signals(rating_threshold=4.0, rewards={"rating": 0.8})
    assert [reward_of(stars, "rating", value) for value in (5.0, 4.0, 3.9, None)] == [0.8, 0.8, -0.8, 0.8]
    assert reward_of(PLAIN, "rating", 1.0) == 1.0


def test_of_many_answers_the_best_counts_until_one_turns_it_down() -> None:
    assert outcome([]) == 0.0
    assert outcome([0.0, 0.5, 0.3]) == 0.5
    assert outcome([1.0, -0.5, 0.5, -0.2]) == -0.5


@given(first=st.lists(numbers, max_size=5), second=st.lists(numbers, max_size=5))
def test_neither_order_nor_repetition_of_answers_matters(first: list[float], second: list[float]) -> None:
    whole = outcome([*first, *second])
    assert outcome([outcome(first), outcome(second)]) == whole
    assert outcome([*second, *first, *first]) == whole


@given(type_=st.sampled_from(EVENT_TYPES), value=st.none() | st.floats(0, 1e9), weight=st.floats(-9, 9))
def test_a_reward_lies_between_minus_one_and_one(type_: str, value: float | None, weight: float) -> None:
    signals = Signals.model_validate({"weights": {type_: weight}, "rating_threshold": 3.0})
    assert -1.0 <= reward_of(signals, type_, value) <= 1.0  # type: ignore[arg-type]


def test_a_reward_beyond_one_is_refused() -> None:
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        Signals(rewards={"like": 1.5})
