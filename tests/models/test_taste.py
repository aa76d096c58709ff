"""EASE and item-kNN against slow second implementations."""

import numpy as np
import pytest
import scipy.sparse as sp

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.models.base import Run, history_batch
from zhiyin.models.low_pass import low_pass
from zhiyin.models.taste import TasteRecipe
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_dataset
from zhiyin.types import Event, Item

RUN = Run(HashEncoder())


def ease_by_inversion(data: Dataset, reg: float, user_power: float = 0.0, item_power: float = 0.0) -> np.ndarray:
    """Steck 2019, equation 8, as it is written; items nobody took link to nothing. With powers it is solved for
    data whose rows and columns are divided first, and then taken back to items as they are."""
    taken = data.interactions().toarray().astype(np.float64)
    weight = np.maximum(taken.sum(axis=1), 1.0) ** -user_power
    taken = taken * np.sqrt(weight / weight[taken.any(axis=1)].mean())[:, None]
    support = (taken**2).sum(axis=0)
    by = np.where(support > 0, support / support[support > 0].mean(), 1.0) ** (item_power / 2)
    inverse = np.linalg.inv((taken / by).T @ (taken / by) + reg * np.eye(taken.shape[1]))
    inverse = inverse / np.outer(by, by)
    links = -inverse / np.diag(inverse)
    np.fill_diagonal(links, 0.0)
    return links


PLAIN = TasteRecipe(user_power=0.0, item_power=0.0)


@pytest.mark.parametrize("reg", [0.5, 20.0, 500.0])
@pytest.mark.parametrize("powers", [(0.0, 0.0), (0.5, 0.25), (1.0, 1.0)])
def test_ease_agrees_with_the_inverse_of_the_gram_matrix(reg: float, powers: tuple[float, float]) -> None:
    data = small_dataset()
    recipe = TasteRecipe(reg=reg, user_power=powers[0], item_power=powers[1])
    np.testing.assert_allclose(
        recipe.fit(data, RUN).links.toarray(), ease_by_inversion(data, reg, *powers), atol=5e-6
    )


def test_ease_is_pruned_to_the_strongest_links_of_each_item(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zhiyin.models.neighbours.ROOM", 0)
    data = small_dataset()
    whole = ease_by_inversion(data, 5.0)
    links = PLAIN.model_copy(update={"reg": 5.0, "k": 4}).fit(data, RUN).links.toarray()
    for row in range(len(data.items)):
        kept = np.flatnonzero(links[row])
        assert len(kept) <= 4
        np.testing.assert_allclose(links[row, kept], whole[row, kept], atol=2e-6)
        if len(kept):
            assert np.abs(np.delete(whole[row], kept)).max() <= np.abs(whole[row, kept]).min() + 2e-6


def test_a_small_catalogue_keeps_all_links() -> None:
    recipe = TasteRecipe(k=300)
    assert [recipe.room(n) for n in (0, 1_000, 9_000, 100_000)] == [3_000_000, 3_000, 333, 300]


def test_broad_strokes_are_as_loud_as_ease_itself() -> None:
    data = small_dataset()
    ease, both = (
        PLAIN.model_copy(update={"reg": 5.0, "rank": rank}).fit(data, RUN).links.toarray() for rank in (0, 3)
    )
    broad = both - ease
    assert np.linalg.norm(broad) == pytest.approx(np.linalg.norm(ease), rel=1e-5)
    seen = np.flatnonzero(data.support)
    wanted = projection(data.interactions().toarray()[:, seen], 3)
    found = broad[np.ix_(seen, seen)]
    assert found / np.linalg.norm(found) == pytest.approx(wanted / np.linalg.norm(wanted), abs=1e-5)


def projection(taken: np.ndarray, rank: int) -> np.ndarray:
    """D_I^-½ V Vᵀ D_I^½ of the whole decomposition, without the diagonal."""
    by_item = np.sqrt(taken.sum(axis=0))
    flat = taken / np.sqrt(np.maximum(taken.sum(axis=1), 1.0))[:, None] / by_item
    axes = np.linalg.svd(flat)[2][:rank]
    links = (axes.T @ axes) / by_item[:, None] * by_item
    np.fill_diagonal(links, 0.0)
    return np.asarray(links)


@pytest.mark.parametrize(("n_users", "n_items"), [(1, 1), (1, 5), (5, 2)])
def test_there_are_never_more_axes_than_people_or_items(n_users: int, n_items: int) -> None:
    found = low_pass(sp.csr_array(np.ones((n_users, n_items), np.float32)), 64)
    assert found.shape == (n_items, n_items)
    assert np.isfinite(found).all()
    assert not found.diagonal().any()


def test_ease_mirrors_matrices_larger_than_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zhiyin.models.taste.ROWS_AT_ONCE", 64)
    rng = np.random.default_rng(0)
    items = [Item(f"{n}") for n in range(220)]
    events = [Event(f"u{user}", f"{item}", "like") for user in range(60) for item in rng.choice(220, 20, False)]
    data = build_dataset(items, events)
    links = PLAIN.model_copy(update={"reg": 20.0}).fit(data, RUN).links.toarray()
    seen = np.flatnonzero(data.support)
    assert len(seen) > 190
    np.testing.assert_allclose(links, ease_by_inversion(data, 20.0), atol=1e-5)


def test_item_knn_agrees_with_counting_pairs() -> None:
    data = small_dataset()
    taken = data.interactions().toarray()
    links = TasteRecipe(max_dense=0, shrinkage=3.0).fit(data, RUN).links.toarray()
    for a in range(len(data.items)):
        for b in range(len(data.items)):
            common = float((taken[:, a] * taken[:, b]).sum())
            popular = taken[:, a].sum() * taken[:, b].sum()
            wanted = common / (popular**0.5 + 3.0) if a != b and common else 0.0
            assert links[a, b] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("max_dense", [0, 100])
def test_nothing_taken_means_no_link(max_dense: int) -> None:
    likes = [
        Event("u", "a", "like", order=1),
        Event("u", "a", "dislike", order=2),
        Event("v", "b", "hide", order=1),
    ]
    data = build_dataset([Item("a"), Item("b")], likes)
    model = TasteRecipe(max_dense=max_dense).fit(data, RUN)
    assert not model.score(history_batch([0, 1], [1.0, 1.0], [0.0, 0.0])).any()
    assert model.n_items == 2


def test_a_repeat_counts_once_at_its_newest_place() -> None:
    model = TasteRecipe(reg=5.0).fit(small_dataset(), RUN)
    once = model.score(history_batch([3, 4], [1.0, 1.0], [0.0, 0.0]))
    again = model.score(history_batch([4, 3, 4], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]))
    np.testing.assert_allclose(again, once, atol=1e-6)
