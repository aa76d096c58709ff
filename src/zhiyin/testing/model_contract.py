"""What every channel must do: inherit `ModelContract` in a test class and give a fixture `channel`.

@pytest.fixture(params=CHANNELS, ids=lambda channel: channel.name)
def channel(request): return request.param

class TestChannels(ModelContract): ...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from safetensors.numpy import load_file, save_file

from zhiyin.data.dataset import Dataset, Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import encode_items
from zhiyin.models.base import Arrays, Arrivals, Batch, Model, Run, history_batch
from zhiyin.ranking.examples import some
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import START, small_dataset
from zhiyin.types import Item

ENCODER = HashEncoder()


@dataclass(frozen=True, slots=True)
class Channel:
    """A recipe and its model as the contract sees them."""

    name: str
    fit: Callable[[Dataset, Run], Model]
    load: Callable[[Arrays, Model], Model]  # from the arrays, and the model they were taken from
    from_history: bool = True  # the score is a sum over the history; else the same for everybody
    retrieves: bool = True  # proposes candidates; else it only weighs those of others


class ModelContract:
    """Batch first, exact contributions, items that come later, arrays in a file."""

    @pytest.fixture(scope="class", params=[True, False], ids=["in order", "in sets"])
    @classmethod
    def data(cls, request: pytest.FixtureRequest) -> Dataset:
        return small_dataset(timed=request.param)

    @pytest.fixture
    def model(self, channel: Channel, data: Dataset) -> Model:
        return channel.fit(data, Run(ENCODER))

    def test_scores_have_the_shape_and_type_they_say(self, model: Model, data: Dataset) -> None:
        scores = model.score(askers(data))
        assert model.n_items == len(data.items)
        assert scores.shape == (len(askers(data)), len(data.items))
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()

    def test_a_batch_scores_like_its_askers_one_by_one(self, model: Model, data: Dataset) -> None:
        batch = askers(data)
        single = [model.score(alone(batch, b))[0] for b in range(len(batch))]
        assert_close(model.score(batch), np.stack(single))

    def test_some_rows_score_like_all_rows(self, model: Model, data: Dataset) -> None:
        batch, rows = askers(data), np.array([7, 3, 3, 0, len(data.items) - 1], np.int32)
        for b in range(len(batch)):
            asker = alone(batch, b)
            assert_close(model.scorer(asker).score(rows), model.score(asker)[0][rows])
            assert model.scorer(asker).score(rows[:0]).shape == (0,)

    @pytest.mark.parametrize("k", [1, 4, 1_000])
    def test_retrieve_gives_the_highest_scores_above_zero_best_first(
        self, channel: Channel, model: Model, data: Dataset, k: int
    ) -> None:
        batch = askers(data)
        for b in range(len(batch)):
            scores = model.score(alone(batch, b))[0]
            rows = model.scorer(alone(batch, b)).retrieve(k)
            expected = min(k, int((scores > 1e-6).sum())) if channel.retrieves else 0
            assert rows.dtype == np.int32
            assert len(rows) == len(set(rows.tolist()))
            assert min(expected, 1) <= len(rows) <= k or not expected
            assert_close(scores[rows][:expected], np.sort(scores)[::-1][:expected])
            assert (scores[rows] > 0).all()

    def test_contributions_sum_to_the_score(self, channel: Channel, model: Model, data: Dataset) -> None:
        batch = askers(data)
        for b in range(len(batch)):
            asker = alone(batch, b)
            scores = model.score(asker)[0]
            why = model.scorer(asker).why(all_rows(model))
            assert why.shape == (len(asker.rows), model.n_items)
            wanted = scores if channel.from_history else np.zeros(model.n_items)
            np.testing.assert_allclose(why.sum(axis=0), wanted, atol=1e-4)
            few = np.array([5, 0, 5], np.int32)
            np.testing.assert_allclose(model.scorer(asker).why(few), why[:, few], atol=1e-6)

    def test_nobody_gets_no_score_from_a_history(self, channel: Channel, model: Model) -> None:
        nobody = history_batch([], [], [])
        if channel.from_history:
            assert not model.score(nobody).any()
            assert not len(model.scorer(nobody).retrieve(10))
        assert model.scorer(nobody).why(all_rows(model)).shape == (0, model.n_items)

    def test_disliking_is_the_opposite_of_liking(self, channel: Channel, model: Model, data: Dataset) -> None:
        liked = history_batch([3, 9, 4], [1.0, 0.5, 0.3], [2.0, 1.0, 0.0])
        disliked = history_batch([3, 9, 4], [-1.0, -0.5, -0.3], [2.0, 1.0, 0.0])
        sign = -1.0 if channel.from_history else 1.0
        assert_close(model.score(disliked), sign * model.score(liked))

    def test_later_items_change_no_score_of_the_others(self, model: Model, data: Dataset) -> None:
        batch = askers(data)
        longer = model.extended(arrivals(data)).extended(arrivals(data, "second"))
        n = len(data.items)
        assert longer.n_items == n + 2 * len(arrivals(data).items)
        assert_close(longer.score(batch)[:, :n], model.score(batch))
        for b in range(len(batch)):
            asker = alone(batch, b)
            assert_close(longer.scorer(asker).score(all_rows(longer)), longer.score(asker)[0])

    def test_a_later_item_is_explained_exactly_too(self, channel: Channel, model: Model, data: Dataset) -> None:
        longer = model.extended(arrivals(data))
        asker = alone(askers(data), 0)
        why = longer.scorer(asker).why(all_rows(longer)).sum(axis=0)
        np.testing.assert_allclose(why, longer.score(asker)[0] if channel.from_history else 0.0, atol=1e-4)

    def test_a_history_of_later_items_only_is_served(self, channel: Channel, model: Model, data: Dataset) -> None:
        longer = model.extended(arrivals(data))
        rows = list(range(len(data.items), longer.n_items))
        asker = history_batch(rows, [1.0] * len(rows), [0.0] * len(rows))
        scores = longer.score(asker)[0]
        assert np.isfinite(scores).all()
        why = longer.scorer(asker).why(all_rows(longer)).sum(axis=0)
        np.testing.assert_allclose(why, scores if channel.from_history else 0.0, atol=1e-4)
        assert len(longer.scorer(asker).retrieve(5)) <= 5

    def test_arrays_come_back_equal_through_a_file(
        self, channel: Channel, model: Model, data: Dataset, tmp_path: Path
    ) -> None:
        arrays = {name: np.ascontiguousarray(array) for name, array in model.arrays().items()}
        save_file(arrays, tmp_path / "model.safetensors")
        again = channel.load(load_file(tmp_path / "model.safetensors"), model)
        batch = askers(data)
        assert again.name == model.name
        assert np.array_equal(again.score(batch), model.score(batch))
        longer = arrivals(data)
        assert np.array_equal(again.extended(longer).score(batch), model.extended(longer).score(batch))
        for name, array in again.arrays().items():
            assert np.array_equal(array, arrays[name])

    def test_a_model_with_later_items_can_be_saved_too(
        self, channel: Channel, model: Model, data: Dataset
    ) -> None:
        longer = model.extended(arrivals(data))
        again = channel.load(longer.arrays(), longer)
        assert again.n_items == longer.n_items
        assert np.array_equal(again.score(askers(data)), longer.score(askers(data)))

    def test_the_same_data_gives_the_same_model(self, channel: Channel, model: Model, data: Dataset) -> None:
        again = channel.fit(data, Run(ENCODER)).arrays()
        for name, array in model.arrays().items():
            assert np.array_equal(array, again[name])


def askers(data: Dataset) -> Batch:
    """All users of the data, then nobody, somebody with repeats, somebody who only dislikes, nobody again. Each
    asks at another hour and from one of two devices, one of them at a time that is not known."""
    extra = [([], []), ([5, 2, 5, 5], [1.0, 0.5, -1.0, 0.3]), ([1, 8], [-1.0, -1.0]), ([], [])]
    rows = np.concatenate([data.item_rows, *(np.array(r, np.int32) for r, _ in extra)])
    weights = np.concatenate([data.weights, *(np.array(w, np.float32) for _, w in extra)])
    lengths = np.concatenate([np.diff(data.indptr), [len(r) for r, _ in extra]])
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ages = np.concatenate([data.ages(), np.zeros(len(rows) - len(data))]).astype(np.float32)
    now = START.timestamp() + 5.5 * 3_600.0 * np.arange(len(lengths), dtype=np.float64)
    now[3] = np.nan
    devices = tuple({"device": ("phone", "desk")[asker % 2]} for asker in range(len(lengths)))
    return Batch(indptr, rows.astype(np.int32), weights, ages, now=now, contexts=devices)


def assert_close(actual: Floats, wanted: Floats) -> None:
    """Equal up to float32 sums in another order."""
    np.testing.assert_allclose(actual, wanted, rtol=1e-4, atol=1e-5)


def alone(batch: Batch, asker: int) -> Batch:
    """A batch of one."""
    return some(batch, np.array([asker]))


def all_rows(model: Model) -> Rows:
    return np.arange(model.n_items, dtype=np.int32)


def arrivals(data: Dataset, name: str = "first") -> Arrivals:
    """Two items that came later, one of them without text; the first reads like rows 2 and 6."""
    items = [Item(f"{name} new", data.catalogue[2].title, data.catalogue[6].text), Item(f"{name} bare")]
    weights = (np.array([0.75, 0.25], np.float32), ([0, 0], [2, 6]))
    near = sp.csr_array(weights, shape=(2, len(data.items)))
    return Arrivals(items, encode_items(ENCODER, items), near)
