"""Words and topics counted at once, against counting them one by one and against another library."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage

from zhiyin.live import Live
from zhiyin.models.words import Words
from zhiyin.profile.past import Side, Touched
from zhiyin.profile.traits import traits_of
from zhiyin.profile.written import CROWD, TIGHT, _Bags, _clusters


@pytest.mark.parametrize("seed", range(5))
def test_topics_are_the_clusters_that_another_library_cuts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(40, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    far = np.maximum(1.0 - vectors @ vectors.T, 0.0)[np.triu_indices(40, 1)]
    labels = fcluster(linkage(far, "average"), 1.0 - TIGHT, "distance")
    groups = [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]
    wanted = sorted((group for group in groups if len(group) >= CROWD), key=lambda group: (-len(group), group))
    assert wanted
    assert _clusters(vectors) == wanted


def test_bags_hold_each_column_of_each_item_and_of_what_was_written_once(live: Live) -> None:
    world = live.snapshot()
    words = world.models["words"]
    assert isinstance(words, Words)
    rows = [row for row, item in enumerate(world.items) if item is not None][:6]
    side = Side.of([_met(world, row, place) for place, row in enumerate(rows)])
    bags = _Bags.of(side, words)
    for place, row in enumerate(rows):
        own = set(words.rows[[row]].indices.tolist())
        found = bags.columns[bags.word[bags.owner == place]].tolist()
        assert len(found) == len(set(found))
        assert own <= set(found)
        assert (own == set(found)) == (place != 1), "of the second one something was written"
    some = bags.only([4, 1])
    assert [one.row for one in some.side.touched] == [rows[4], rows[1]]
    for column in some.columns[np.unique(some.word)].tolist():
        places = some.places(column)
        assert some.first()[np.searchsorted(some.columns, column)] == places[0]
        assert (np.sort(np.array([4, 1])[places]) == np.intersect1d(bags.places(column), [4, 1])).all()


def test_traits_that_were_read_before_are_those_of_the_item(live: Live) -> None:
    world = live.snapshot()
    known = live.background(world)
    for row, item in enumerate(world.items):
        assert item is not None
        assert set(known.traits(row, item)) == traits_of(item, known.bands)
    assert known.traits(10**6, item) == traits_of(item, known.bands), "of the others, too"


def _met(world: object, row: int, place: int) -> Touched:
    item = world.items[row]  # type: ignore[attr-defined]
    return Touched(row, item, 1.0, [place], texts=["marvellous"] if place == 1 else [])
