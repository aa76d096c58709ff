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
    for name in (
        "bakeoff",
        "guests",
        "carousel_players",
        "plots",
        "one_by_one",
        "e5_experiments",
        "e6_new_users",
        "_result",
    ):
        sys.modules.pop(name, None)


@pytest.mark.slow
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


def test_carousels_are_learned_and_what_is_shown_was_as_probable_as_it_says() -> None:
    from carousel_players import PEERS, PLACES, Believing

    rng = np.random.default_rng(5)
    rates = np.full((2, 40), 0.01)
    rates[:, :8], rates[0, 8:12], rates[1, 12:16] = 0.1, 0.4, 0.4  # loved by all, and by one segment each
    ours = Believing("small", 40, 2, 5.0, 0.0, 3)
    hits = []
    for player in (ours, *(made(0, 40, 2, 3) for made in PEERS.values())):
        for _ in range(12):
            segments = rng.integers(0, 2, 200)
            lists = player.choose(segments)
            assert all(len(set(one)) == PLACES for one in lists.tolist())
            likes = rng.random(lists.shape) < rates[segments[:, None], lists]
            clicked = likes & (likes.cumsum(axis=1) == 1)
            seen = np.arange(PLACES) <= np.where(likes.any(axis=1), likes.argmax(axis=1), 2)[:, None]
            player.learn(segments, lists, seen, clicked)
        hits.append(float(likes.any(axis=1).mean()))
    assert min(hits) > 0.75  # by chance 0.6
    assert ours.logs[0].sum(axis=1) == pytest.approx(-np.log(np.arange(40, 28, -1)).sum()), (
        "at first all are alike"
    )
    assert ours.logs[-1][:, 0].mean() > ours.logs[0][:, 0].mean()
    assert ours.sight.goes_on > 0.8


def test_lines_are_drawn_in_every_panel_and_named_once() -> None:
    from xml.etree.ElementTree import fromstring

    from plots import Line, plotted

    lines = [
        Line("ours", np.array([100.0, 10.0, 5.0, 4.0])),
        Line("theirs & co", np.array([100.0, 50.0, 20.0, 9.0])),
    ]
    svg = fromstring(plotted({"a": lines, "b": lines}, "round", "regret"))
    space = "{http://www.w3.org/2000/svg}"
    assert len(svg.findall(f"{space}polyline")) == 4
    assert [text.text for text in svg.iter(f"{space}text")].count("theirs & co") == 1


def test_a_look_finds_what_is_there_and_seldom_what_is_not() -> None:
    from e5_experiments import CASES, PEOPLE, Looks, wilson

    rng, case = np.random.default_rng(1), CASES["clicks"]
    values, new = case.draw(rng, (40, PEOPLE)), (rng.random((40, PEOPLE)) < 0.5).astype(float)
    none = Looks.of(values, new)
    assert (none.n[:, :, -1].sum(axis=0) == PEOPLE).all()
    assert none.found()["ours"].any(axis=1).mean() <= 0.05
    lifted = Looks.of(np.where(new > 0, case.lift(values, 0.03, rng), values), new)
    assert (lifted.mean[1, :, -1] - lifted.mean[0, :, -1]).mean() == pytest.approx(0.03, abs=0.003)
    assert lifted.found()["ours"].any(axis=1).all()
    assert wilson(0.5, 100) == [0.4038, 0.5962]


def test_stars_are_judged_by_hand() -> None:
    from e6_new_users import KS, People, judge, mean_of, ndcg

    gains = np.array([3.0, 1.0, 2.0])
    assert ndcg(np.array([9.0, 8.0, 7.0]), gains) == pytest.approx(
        (3 + 1 / np.log2(3) + 1) / (3 + 2 / np.log2(3) + 0.5)
    )
    rows, ratings = np.arange(12, dtype=np.int32), np.array([5.0] * KS[-1] + [4.0, 2.0])
    people = People([rows], [ratings], 12)
    found = judge(people, np.array([0]), mean_of(np.full(12, 3.0), 1.0))
    assert found.asked.tolist() == [[2.0] * len(KS)]
    assert found.rmse[0, 0] == pytest.approx(np.sqrt((0 + 4) / 2)), (
        "3 stars and half of the 2 more: 4 is said of both"
    )
