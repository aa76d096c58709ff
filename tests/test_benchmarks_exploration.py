"""What the exploration benchmarks play: an honest bandit, on rows that its settings were not chosen on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

EXPLORATION = Path(__file__).parent.parent / "benchmarks" / "exploration"


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Their folder is where a script of theirs would look."""
    monkeypatch.syspath_prepend(str(EXPLORATION))
    yield
    for name in ("bakeoff", "guests"):
        sys.modules.pop(name, None)


def test_a_class_that_a_line_tells_is_learned_from_right_and_wrong_alone() -> None:
    from bakeoff import errors, errors_learned, optimistic, players, shuffles, to_choose_on

    iris = to_choose_on()[0]
    assert np.allclose(iris.x.mean(axis=0), 0)
    (order,) = shuffles(iris, range(1))
    assert sorted(order) == list(range(150))
    blind = errors(optimistic(0.0, 1e-9, 0.0), iris, order, "a")
    assert 0.5 < blind < 0.8, "by chance two of three are wrong"
    for name, player in players(0.02, 0.4, 100.0).items():
        assert errors(player, iris, order, "a") < 0.4, name
    assert errors_learned(iris, order, "a", 0.02, 0.4) < 0.4


def test_the_same_name_plays_the_same_game() -> None:
    from bakeoff import errors, optimistic, shuffles, to_choose_on

    iris = to_choose_on()[0]
    (order,) = shuffles(iris, range(7, 8))
    player = optimistic(0.4, 100.0, 0.02)
    assert errors(player, iris, order, "a") == errors(player, iris, order, "a")


def test_what_is_reported_was_not_chosen_on() -> None:
    from bakeoff import reported, to_choose_on

    river = {"Bananas.x": np.eye(3), "Bananas.y": np.array([0, 1, 0])}
    names = [data.name for data in reported(river)]
    assert names == ["digits", "wine", "cancer", "Bananas"]
    assert not set(names) & {data.name for data in to_choose_on()}
