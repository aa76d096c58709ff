"""The part `cross`: a part of the sum that lifts nothing that was not read, and none where nothing was shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.data.dataset import Doubles
from zhiyin.encoders.cross import Asked
from zhiyin.ranking.fusion import Parts
from zhiyin.ranking.reranking import PART, Reranker, RerankerSettings
from zhiyin.types import Item

WISH = Asked("typed", "tea")
NUMBERS = st.floats(-30, 30)


@dataclass(frozen=True)
class Says:
    """What was told beforehand, by title."""

    numbers: tuple[float, ...]

    def score(self, asked: str, texts: Sequence[str]) -> Doubles:
        return np.array([self.numbers[int(text)] for text in texts], np.float64)


def sorted_parts(scores: Sequence[float]) -> Parts:
    return Parts(("meaning",), -np.sort(-np.array([scores], np.float64)), {"meaning": 1.0})


def items(n: int) -> list[Item]:
    return [Item(f"i{number}", title=str(number)) for number in range(n)]


def test_the_part_is_the_gate_times_what_lies_above_the_lowest() -> None:
    reranker = Reranker(Says((1.0, 3.0, -1.0)), 3, {"typed": 0.5, "past": 0.0})
    parts = reranker.reread(sorted_parts([4.0, 3.0, 2.0, 1.0]), WISH, items(3))
    assert parts.names == ("meaning", PART)
    assert parts.values[1].tolist() == [1.0, 2.0, 0.0, 0.0]
    assert parts.gates == {"meaning": 1.0, PART: 0.5}
    assert parts.of(1) == {"meaning": 3.0, PART: 2.0}


@given(st.lists(NUMBERS, min_size=3, max_size=30), st.data())
def test_nothing_that_was_not_read_overtakes_what_was(scores: list[float], data: st.DataObject) -> None:
    n = data.draw(st.integers(1, len(scores)))
    said = tuple(data.draw(st.lists(NUMBERS, min_size=n, max_size=n)))
    gate = data.draw(st.floats(0.01, 5))
    before = sorted_parts(scores)
    after = Reranker(Says(said), n, {"typed": gate, "past": 0.0}).reread(before, WISH, items(n))
    assert (after.values[-1] >= 0).all()
    assert (after.scores[n:] == before.scores[n:]).all()
    assert (after.scores[:n] >= before.scores[:n]).all()
    if n < len(scores):
        assert after.scores[:n].min() >= after.scores[n:].max()


@given(st.lists(NUMBERS, min_size=2, max_size=10), st.floats(-50, 50))
def test_a_number_added_to_all_changes_nothing(said: list[float], shift: float) -> None:
    def reread(numbers: Sequence[float]) -> Doubles:
        reranker = Reranker(Says(tuple(numbers)), len(said), {"typed": 1.0, "past": 0.0})
        return reranker.reread(sorted_parts([0.0] * len(said)), WISH, items(len(said))).scores

    np.testing.assert_allclose(reread(said), reread([one + shift for one in said]), atol=1e-9)


@pytest.mark.parametrize("asked", [Asked("past", "tea"), Asked("typed", "")])
def test_where_no_gain_was_shown_or_nothing_is_asked_nothing_is_read(asked: Asked) -> None:
    class Never:
        def score(self, asked: str, texts: Sequence[str]) -> Doubles:
            raise AssertionError

    before = sorted_parts([2.0, 1.0])
    reranker = Reranker(Never(), 2, {"typed": 1.0, "past": 0.0})
    assert reranker.reread(before, asked, items(2)) is before
    assert reranker.reread(before, WISH, []) is before


def test_settings_shape_a_list_only_where_somebody_reads() -> None:
    from zhiyin.settings import Settings

    assert RerankerSettings(n=7).shaping() == {}
    assert Settings().digest() == Settings(reranker=RerankerSettings(n=7)).digest()
    one, other = (RerankerSettings(model="rerankers/ours", sha256=digest) for digest in "ab")
    digests = {Settings(reranker=said).digest() for said in (RerankerSettings(), one, other)}
    assert len(digests) == 3
    assert Settings(reranker=one.model_copy(update={"threads": 4})).digest() in digests
