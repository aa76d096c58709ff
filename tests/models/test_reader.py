"""The reader channel by hand: what reads as do the things that such people go on to."""

import numpy as np
import pytest
import scipy.sparse as sp

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.encoders.base import encode_items, unit
from zhiyin.models.base import Arrivals, Run
from zhiyin.models.company import WHOLE, company_vectors, main_axes_of, pairs, surprise
from zhiyin.models.meaning import MeaningRecipe
from zhiyin.models.propagation import text_neighbours
from zhiyin.models.reader import Reader, ReaderRecipe
from zhiyin.models.words import WordsRecipe
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_dataset
from zhiyin.types import Event, Item

RUN = Run(HashEncoder())


def fitted(data: Dataset, recipe: ReaderRecipe | None = None) -> Reader:
    meaning, near = MeaningRecipe().fit(data, RUN), nearest(data)
    return (recipe or ReaderRecipe()).fit(data, RUN, meaning, near)


def nearest(data: Dataset) -> sp.csr_array:
    words, meaning = WordsRecipe().fit(data, RUN), MeaningRecipe().fit(data, RUN)
    warm = np.flatnonzero(data.support > 0).astype(np.int32)
    return text_neighbours(words, meaning, np.arange(len(data.items), dtype=np.int32), warm)


def test_half_of_an_item_is_what_it_reads_like_and_half_its_company() -> None:
    data = small_dataset()
    model, meaning = fitted(data, ReaderRecipe(trust=2.0, dim=4)), MeaningRecipe().fit(data, RUN)
    liked = data.weights > 0
    indptr = np.append(0, np.cumsum(np.bincount(data.user_rows[liked], minlength=len(data.users))))
    own = company_vectors(pairs(indptr, data.item_rows[liked], len(data.items)), 4, RUN.seed)
    near = nearest(data).toarray()
    for row in np.flatnonzero(own.any(axis=1) & meaning.vectors.any(axis=1))[:5]:
        n = data.support[row]
        company = (n * own[row] + 2.0 * near[row] @ own) / (n + 2.0)
        expected = np.concatenate([meaning.vectors[row], company / np.linalg.norm(company)]) / np.sqrt(2)
        np.testing.assert_allclose(model.vectors[row], expected, atol=1e-5)


def test_two_ways_of_saying_it_meet_where_the_same_people_take_both() -> None:
    """Nothing in the words says that a kettle and a teapot go together; what people take next does."""
    items = [Item(f"{kind}{n}", f"{kind} number{n}") for kind in ("kettle", "teapot", "hammer") for n in range(4)]
    mixed = [*(f"kettle{n}" for n in range(4)), *(f"teapot{n}" for n in range(4))]
    pots = [(one, other) for one in mixed for other in mixed if one != other]
    tools = [(f"hammer{n % 4}", f"hammer{(n + 1) % 4}") for n in range(16)]
    events = [
        Event(f"u{user}", item, "like", order=order)
        for user, pair in enumerate([*pots, *tools])
        for order, item in enumerate(pair)
    ]
    data = build_dataset(items, events)
    model, meaning = fitted(data), MeaningRecipe().fit(data, RUN)
    kettle, teapot, hammer = (data.items.row(name) for name in ("kettle0", "teapot2", "hammer1"))
    half = meaning.vectors.shape[1]
    company = 2 * model.vectors[:, half:] @ model.vectors[:, half:].T
    assert meaning.vectors[kettle] @ meaning.vectors[teapot] < 0.2
    assert company[kettle, teapot] > 0.4
    assert abs(company[kettle, hammer]) < 0.1


def test_a_new_item_keeps_the_company_of_what_reads_like_it() -> None:
    data = small_dataset()
    model = fitted(data)
    item = Item("new", "violin and piano", "strings and keys")
    near = sp.csr_array(([0.75, 0.25], ([0, 0], [1, 3])), shape=(1, len(data.items)), dtype=np.float32)
    read = encode_items(RUN.encoder, [item])
    later = model.extended(Arrivals([item], read, near))
    company = unit((0.75 * model.company[1] + 0.25 * model.company[3])[None, :])[0]
    np.testing.assert_allclose(later.vectors[-1, -len(company) :] * np.sqrt(2), company, atol=1e-5)
    np.testing.assert_array_equal(later.vectors[:-1], model.vectors)


def test_an_item_that_is_reworded_keeps_its_company() -> None:
    data = small_dataset()
    model = fitted(data)
    rows = np.array([2], np.int32)
    item = Item(data.items[2], "something else altogether")
    near = sp.csr_array((1, len(data.items)), dtype=np.float32)
    again = model.read_again(rows, Arrivals([item], encode_items(RUN.encoder, [item]), near))
    half = model.axes.shape[1]
    assert not np.allclose(again.vectors[2, :half], model.vectors[2, :half])
    np.testing.assert_allclose(unit(again.vectors[rows, half:]), unit(model.vectors[rows, half:]), atol=1e-6)


def test_without_two_things_of_anybody_it_does_not_speak() -> None:
    items = [Item("a", "red"), Item("b", "blue")]
    data = build_dataset(items, [Event("u", "a", "like", order=0), Event("v", "b", "like", order=0)])
    assert not fitted(data).speaks
    assert fitted(small_dataset()).speaks


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_main_axes_are_those_of_a_whole_decomposition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = WHOLE + 200
    low = rng.standard_normal((n, 6)) * [9, 7, 6, 5, 4, 3]
    noise = sp.random_array((n, n), density=0.001, rng=rng).tocsr()
    links = sp.csr_array((low @ low.T + (noise + noise.T).toarray()).astype(np.float32))
    values, axes = main_axes_of(links, 6, seed)
    wanted = np.sort(np.linalg.eigvalsh(links.toarray().astype(np.float64)))[::-1][:6]
    np.testing.assert_allclose(values, wanted, rtol=1e-3)
    np.testing.assert_allclose(links @ axes, axes * values, atol=1e-2 * values[0])
    np.testing.assert_array_equal(axes, main_axes_of(links, 6, seed)[1])


def test_what_everybody_takes_with_everything_is_no_surprise() -> None:
    indptr = np.array([0, 2, 4, 6])
    found = surprise(pairs(indptr, np.array([0, 1, 0, 2, 1, 2], np.int32), 3)).toarray()
    np.testing.assert_allclose(found[found > 0], found.max(), atol=1e-6)
