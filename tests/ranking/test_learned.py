"""The part that a log taught: exact, removable, and only what was measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.errors import BrokenBundle
from zhiyin.ranking.fusion import Parts
from zhiyin.ranking.learned import Learned, Traits, learned_of

CENTRE, DIRECTION = np.array([0.1, 0.0, 0.2]), np.array([1.0, -2.0, 0.5])


def part(score: float = 0.5) -> Learned:
    return learned_of("an encoder", score, np.array([0.3, -1.0]), (CENTRE, DIRECTION), "one list")


def traits(k: int, seed: int = 0) -> Traits:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(k, 3)).astype(np.float32)
    vectors[0] = 0.0
    return Traits(vectors, rng.random(k) * 10.0, rng.random(k) < 0.5)


def test_it_adds_what_its_formula_says_and_nothing_of_a_text_that_is_not_there() -> None:
    known = traits(3)
    scores = np.array([1.0, 3.0, 2.0])
    meant = (known.vectors[1:] - CENTRE) @ DIRECTION
    expected = 0.5 * (scores - 3.0) + 0.3 * np.log1p(known.taken) - known.new + np.append(0.0, meant)
    assert part().added(scores, known) == pytest.approx(expected)


def test_it_stands_beside_the_other_parts_of_the_sum() -> None:
    parts, known = Parts(("popular", "taste"), np.array([[1.0, 0.0], [0.5, 2.0]]), {"popular": 1.0}), traits(2)
    both = part().beside(parts, known)
    assert both.names == ("popular", "taste", "learned")
    assert both.values[:2] == pytest.approx(parts.values)
    assert both.scores == pytest.approx(parts.scores + part().added(parts.scores, known))


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=8), st.floats(-0.9, 3.0), st.integers(0, 9))
def test_what_was_added_can_be_taken_away(scores: list[float], score: float, seed: int) -> None:
    before, known, one = np.array(scores), traits(len(scores), seed), part(score)
    after = before + one.added(before, known)
    assert one.without(after, known) == pytest.approx(before, abs=1e-7)


def test_a_file_is_read_as_it_was_written_and_under_no_other_content(tmp_path: Path) -> None:
    path = part().save(tmp_path / "policies")
    again = Learned.load(path)
    assert (again.name, again.encoder, again.score, again.story) == (path.name, "an encoder", 0.5, "one list")
    assert (again.direction == DIRECTION).all()
    assert (again.centre == CENTRE).all()
    path.write_bytes(path.read_bytes().replace(b"an encoder", b"no encoder"))
    with pytest.raises(BrokenBundle, match="not what its name says"):
        Learned.load(path)
    with pytest.raises(BrokenBundle, match="cannot be read"):
        Learned.load(tmp_path / "nowhere.json")


def test_it_is_silent_beside_another_encoder_and_where_the_order_is_what_a_list_says() -> None:
    assert part().speaks("an encoder", "for_you")
    assert not part().speaks("another", "for_you")
    assert not part().speaks("an encoder", "latest")
    assert not part().speaks("an encoder", "trending")
