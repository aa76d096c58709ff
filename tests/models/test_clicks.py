"""What is served of the click model: the net by hand, what people wrote, and the contract of every channel.
Learning it is tested in tests/training, with torch."""

from dataclasses import replace

import numpy as np
import pytest

from zhiyin.data.dataset import Dataset
from zhiyin.data.written import Written
from zhiyin.models.base import Batch, Model, Run, history_batch
from zhiyin.models.clicks import FADES, NOW, PAST, QUOTED, WRITTEN, Clicks
from zhiyin.ranking.examples import some
from zhiyin.testing.model_contract import ENCODER, Channel, ModelContract, all_rows, arrivals
from zhiyin.testing.model_contract import askers as everybody
from zhiyin.testing.nets import random_clicks, random_head
from zhiyin.testing.small import small_dataset


def bare(data: Dataset, run: Run) -> Model:
    return random_clicks(data, run, company=False)


CHANNELS = [
    Channel("clicks", fit, lambda arrays, _: Clicks.of_arrays(arrays, ENCODER), retrieves=False)
    for fit in (random_clicks, bare)
]


class TestClicks(ModelContract):
    @pytest.fixture(params=CHANNELS, ids=["with company", "by text alone"])
    def channel(self, request: pytest.FixtureRequest) -> Channel:
        return request.param


@pytest.fixture
def model() -> Clicks:
    return random_clicks(small_dataset(), Run(ENCODER))


def asker(rows: list[int], weights: list[float], written: Written | None = None) -> Batch:
    batch = history_batch(rows, weights, [0.0] * len(rows))
    return batch if written is None else replace(batch, written=written)


def wrote(*texts: str, after: tuple[int, ...] | None = None, signs: tuple[float, ...] | None = None) -> Written:
    n = len(texts)
    return Written(np.array([0, n]), np.array(after or [0] * n), texts, np.array(signs or [1.0] * n, np.float32))


def texts_of(n: int) -> tuple[str, ...]:
    return ("a spade", "music for the evening", "no pans")[:n]


def test_the_net_is_what_its_formula_says() -> None:
    """In loops and float64."""
    rng = np.random.default_rng(0)
    head = random_head(rng)
    fields, items = rng.normal(size=(3, 8)), rng.normal(size=(4, 8))

    def slowly(h: np.ndarray, v: np.ndarray) -> float:
        inner = head.shift.astype(np.float64) + v @ head.item
        straight = 0.0
        for f in range(3):
            inner = inner + h[f] @ head.asker[f] + (h[f] * v) @ head.meet[f]
            straight += float(head.straight[f] @ (h[f] * v))
        return float(np.maximum(inner, 0) @ head.out) + straight

    nothing, nobody = np.zeros(8), np.zeros((3, 8))
    wanted = [
        slowly(fields, v) - slowly(nobody, v) - slowly(fields, nothing) + slowly(nobody, nothing) for v in items
    ]
    folded = head.folded(fields.astype(np.float32)).score(items.astype(np.float32))
    found = folded - head.alone(items.astype(np.float32))
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_many_states_at_once_say_what_each_says_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    head = random_head(rng)
    askers, items = rng.normal(size=(7, 3, 8)).astype(np.float32), rng.normal(size=(5, 8)).astype(np.float32)
    wanted = np.stack([head.folded(one).score(items) for one in askers])
    np.testing.assert_allclose(head.steps(askers, items), wanted, atol=1e-4)
    monkeypatch.setattr("zhiyin.models.click_head.AT_ONCE", 300)
    np.testing.assert_allclose(head.steps(askers, items), wanted, atol=1e-4)


def test_an_asker_is_a_past_what_they_did_now_and_what_they_wrote(model: Clicks) -> None:
    batch = asker([3, 9, 4], [1.0, -0.5, 0.3], wrote("a spade", "a flute", after=(1, 3)))
    texts = model.read(batch.written, alone=True)
    liked, disliked = model.askers(batch, texts)[0]
    for field in (PAST, NOW):
        fade = FADES[field]
        wanted = model.vectors[3] * fade**2 + 0.3 * model.vectors[4]
        np.testing.assert_allclose(liked[field], wanted / np.linalg.norm(wanted), atol=1e-5)
        np.testing.assert_allclose(disliked[field], model.vectors[9] / np.linalg.norm(model.vectors[9]), atol=1e-5)
    wanted = texts[0] * FADES[WRITTEN] + texts[1]
    np.testing.assert_allclose(liked[WRITTEN], wanted / np.linalg.norm(wanted), atol=1e-5)
    assert not disliked[WRITTEN].any()


def test_a_text_is_what_an_item_that_reads_so_is(model: Clicks) -> None:
    """By its text alone: nobody takes a text."""
    plain = random_clicks(small_dataset(), Run(ENCODER), company=False)
    new = arrivals(small_dataset())
    said = plain.read(wrote(". ".join((new.items[0].title, new.items[0].text))), alone=True)
    np.testing.assert_allclose(said[0], plain.extended(new).vectors[-2], atol=1e-5)


def test_entries_and_texts_sum_to_the_score_in_the_order_in_which_they_came(model: Clicks) -> None:
    written = wrote(*texts_of(3), after=(0, 2, 3), signs=(1.0, 1.0, -1.0))
    batch = asker([3, 9, 4, 12], [1.0, 1.0, -1.0, 0.5], written)
    scorer, rows = model.scorer(batch), all_rows(model)
    entries, texts = scorer.why(rows), scorer.why_written(rows)
    assert entries.shape == (4, model.n_items)
    assert texts.shape == (3, model.n_items)
    assert np.abs(texts).max(axis=1).min() > 0.01
    np.testing.assert_allclose(entries.sum(axis=0) + texts.sum(axis=0), scorer.score(rows), atol=1e-4)
    first = model.score(asker([], [], wrote("a spade")))[0]
    np.testing.assert_allclose(texts[0], first, atol=1e-4)
    second = model.score(asker([3], [1.0], wrote("a spade")))[0]
    np.testing.assert_allclose(entries[0], second - first, atol=1e-4)
    both = [
        asker([3, 9], [1.0, 1.0], wrote(*said, after=(0, 2)[: len(said)])) for said in (texts_of(1), texts_of(2))
    ]
    third = model.score(both[1])[0] - model.score(both[0])[0]
    np.testing.assert_allclose(texts[1], third, atol=1e-4)


def test_who_only_wrote_is_served(model: Clicks) -> None:
    batch = asker([], [], wrote("a flute for music"))
    scores = model.score(batch)[0]
    assert np.abs(scores).max() > 0.01
    assert model.scorer(batch).why(all_rows(model)).shape == (0, model.n_items)
    np.testing.assert_allclose(model.scorer(batch).why_written(all_rows(model))[0], scores, atol=1e-5)
    assert model.scorer(batch).quoted(int(scores.argmax())) == ("a flute for music",)


def test_what_raises_an_item_less_than_an_entry_is_not_quoted(model: Clicks) -> None:
    batch = asker([3, 9], [1.0, 1.0], wrote("a flute", after=(2,)))
    scorer = model.scorer(batch)
    for row in range(model.n_items):
        entries, texts = scorer.why(np.array([row]))[:, 0], scorer.why_written(np.array([row]))[:, 0]
        assert bool(scorer.quoted(row)) == (texts.max() > max(entries.max(), 0.0))


def test_a_long_text_is_quoted_in_part(model: Clicks) -> None:
    scorer = model.scorer(asker([], [], wrote("flute " * 40)))
    best = int(scorer.score(all_rows(model)).argmax())
    (said,) = scorer.quoted(best)
    assert len(said) <= QUOTED
    assert said.endswith("…")


def test_only_the_newest_texts_are_read(model: Clicks) -> None:
    texts = ("spade", "knife", "flute", "song", "piano", "violin")
    long, short = (asker([3], [1.0], wrote(*some_, after=(1,) * len(some_))) for some_ in (texts, texts[-4:]))
    np.testing.assert_array_equal(model.score(long), model.score(short))
    assert model.scorer(long).why_written(all_rows(model))[:2].any() == np.False_


def test_texts_are_read_alike_alone_and_among_others(model: Clicks) -> None:
    """What several people wrote, one of whom wrote nothing."""
    everyone = everybody(small_dataset())
    n = len(everyone)
    sizes = np.arange(n) % 3
    texts = tuple(f"{('spade', 'flute', 'knife')[k % 3]} for {k}" for k in range(int(sizes.sum())))
    written = Written(
        np.concatenate([[0], np.cumsum(sizes)]),
        np.zeros(len(texts), np.int64),
        texts,
        np.ones(len(texts), np.float32),
    )
    batch = replace(everyone, written=written)
    whole = model.score(batch)
    for b in range(n):
        one = some(batch, np.array([b]))
        assert len(one.written) == sizes[b]
        np.testing.assert_allclose(model.score(one)[0], whole[b], atol=1e-4)
    assert np.abs(whole - model.score(everyone)).max() > 0.1


def test_a_later_item_with_the_text_of_before_is_as_before(model: Clicks) -> None:
    new = arrivals(small_dataset())
    longer = model.extended(new)
    row = np.array([longer.n_items - 1], np.int32)
    swapped = replace(new, vectors=new.vectors[::-1][1:], near=new.near[[0]], items=new.items[:1])
    again = longer.read_again(row, swapped)
    np.testing.assert_allclose(again.vectors[-1], longer.vectors[-2], atol=1e-6)
    back = again.with_rows_of(longer, row)
    np.testing.assert_array_equal(back.vectors, longer.vectors)
    np.testing.assert_array_equal(back.alone, longer.alone)


def test_an_item_without_text_and_company_scores_nothing(model: Clicks) -> None:
    longer = model.extended(arrivals(small_dataset()))
    assert not longer.vectors[-1].any()
    batch = asker([3, 9], [1.0, 1.0], wrote("a flute", after=(1,)))
    assert longer.score(batch)[0, -1] == 0
    assert not longer.scorer(batch).why_written(np.array([longer.n_items - 1])).any()
