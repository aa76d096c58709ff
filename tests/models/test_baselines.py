from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.models.base import Batch, Run, history_batch
from zhiyin.models.baselines import EASE, RECENT, TITLES, Peer, fit_baselines, left_out
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import START, small_dataset
from zhiyin.types import Event, Item


def fitted(data: Dataset, *, repeats: bool = False) -> dict[str, Peer]:
    return fit_baselines(data, Run(HashEncoder()), repeats=repeats)


def history(data: Dataset, *ids: str) -> Batch:
    rows = data.items.rows(ids).tolist()
    return history_batch(rows, [1.0] * len(rows), [0.0] * len(rows))


def best(data: Dataset, scorer: Peer, batch: Batch) -> str:
    scores = scorer.score(batch)[0].copy()
    scores[batch.rows] = -np.inf
    return data.items[int(scores.argmax())]


def three_days() -> Dataset:
    """Tea was taken three times long ago, milk twice this week."""
    items = [Item("tea", "green tea"), Item("milk", "cold milk"), Item("cup", "tea cup")]
    old = [Event(f"u{n}", "tea", "click", at=START + timedelta(hours=n)) for n in range(3)]
    new = [Event(f"u{n}", "milk", "click", at=START + timedelta(days=30, hours=n)) for n in range(2)]
    return build_dataset(items, [*old, *new, Event("u9", "cup", "dislike", at=START)])


def test_popular_counts_everything_and_popular_recent_the_last_week() -> None:
    data, nobody = three_days(), history_batch([], [], [])
    scorers = fitted(data)
    assert best(data, scorers["popular"], nobody) == "tea"
    assert best(data, scorers["popular_recent"], nobody) == "milk"
    tea = data.items.row("tea")
    assert scorers["popular_recent"].score(nobody)[0, tea] == 0


def test_a_dislike_makes_nothing_popular() -> None:
    data = three_days()
    assert fitted(data)["popular"].score(history_batch([], [], []))[0, data.items.row("cup")] == 0


def test_text_knn_reads_titles_only() -> None:
    items = [Item("a", "red spade"), Item("b", "spade"), Item("c", "pot", text="red spade red spade")]
    data = build_dataset(items, [Event("u", "a", "click")])
    scores = fitted(data)["text_knn"].score(history(data, "a"))[0]
    assert scores[data.items.row("b")] > 0
    assert scores[data.items.row("c")] == 0


def test_ease_is_the_closed_form_of_its_paper() -> None:
    data = small_dataset()
    X = data.interactions().toarray().astype(np.float64)
    seen = np.flatnonzero(X.any(axis=0))
    P = np.linalg.inv(X[:, seen].T @ X[:, seen] + EASE.reg * np.eye(len(seen)))
    B = -P / np.diag(P)
    np.fill_diagonal(B, 0.0)
    batch = history(data, "garden/spade", "garden/rake")
    said = fitted(data)["ease"].score(batch)[0]
    expected = B[[list(seen).index(row) for row in batch.rows]].sum(axis=0)
    scale = said[seen] @ expected / (expected @ expected)  # one constant an asker: no order depends on it
    np.testing.assert_allclose(said[seen], scale * expected, atol=1e-5 * np.abs(said).max())
    assert scale > 0


def test_personal_frequency_is_there_only_where_things_may_come_again() -> None:
    data = small_dataset()
    assert "personal_frequency" not in fitted(data)
    scorer = fitted(data, repeats=True)["personal_frequency"]
    twice = history(data, "music/drum", "music/drum", "music/harp")
    order = np.argsort(-scorer.score(twice)[0])
    assert [data.items[row] for row in order[:2]] == ["music/drum", "music/harp"]


def test_what_the_data_cannot_carry_is_left_out_and_said() -> None:
    scorers = fitted(small_dataset(timed=False))
    assert "popular_recent" not in scorers
    assert any(f"last {RECENT:.0f} days" in reason for reason in left_out(scorers))
    assert left_out(fitted(small_dataset())) == []


@pytest.mark.parametrize("timed", [True, False])
def test_every_baseline_has_a_title_and_scores_everything(timed: bool) -> None:
    data = small_dataset(timed=timed)
    for name, scorer in fitted(data, repeats=True).items():
        assert name in TITLES
        scores = scorer.score(history(data, "garden/spade"))
        assert scores.shape == (1, len(data.items))
        assert np.isfinite(scores).all()
