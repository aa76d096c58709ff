"""What the settings left open is chosen by held-out events: the rule, the worth, and planted truths."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import scipy.sparse as sp

from zhiyin.data.dataset import Dataset, Doubles, build_dataset
from zhiyin.models.base import Run
from zhiyin.models.meaning import Meaning, MeaningRecipe
from zhiyin.models.neighbours import Alike
from zhiyin.models.popular import PopularRecipe
from zhiyin.models.propagation import text_neighbours
from zhiyin.models.taste import TasteRecipe
from zhiyin.models.together import TogetherRecipe
from zhiyin.models.words import Words, WordsRecipe
from zhiyin.ranking import settling
from zhiyin.ranking.examples import carve
from zhiyin.ranking.settling import (
    Mixed,
    Trial,
    Whole,
    calmed,
    settle,
    settle_links,
    settle_popular,
    settle_reader,
)
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_dataset
from zhiyin.types import Event, Item

RUN = Run(HashEncoder())


def worth_of(table: Mapping[tuple[float, float], float]) -> Callable[[TogetherRecipe, int], Doubles]:
    """Events that agree on what settings are worth; a heat is their number."""
    return lambda recipe, n: np.full(n, table.get((recipe.discount or 0.0, recipe.recency or 0.0), 0.0))


def test_the_best_value_of_each_open_setting_is_chosen() -> None:
    table = {(0.5, 0.7): 0.1, (0.3, 0.7): 0.2, (0.3, 1.0): 0.3, (0.7, 0.7): 0.15, (0.7, 1.0): 0.25}
    found = settle(TogetherRecipe(), worth_of(table), ("discount", "recency"), [4, 6])
    assert (found.discount, found.recency) == (0.3, 1.0)


def test_a_second_round_moves_what_depends_on_another() -> None:
    """Discount .7 is better only once recency is 1."""
    table = {(0.5, 0.7): 0.1, (0.5, 1.0): 0.2, (0.7, 1.0): 0.3}
    found = settle(TogetherRecipe(), worth_of(table), ("discount", "recency"), [4, 6])
    assert (found.discount, found.recency) == (0.7, 1.0)


def test_a_gain_within_its_standard_error_changes_nothing() -> None:
    usual = TogetherRecipe().usual()
    noise = np.random.default_rng(0).normal(size=400)
    noise += 0.9 * noise.std() / 20 - noise.mean()  # a mean of .9 standard errors

    def worth(recipe: TogetherRecipe, heat: slice) -> Doubles:
        return np.zeros(400)[heat] if recipe == usual else noise[heat]

    def louder(recipe: TogetherRecipe, heat: slice) -> Doubles:
        return 2 * worth(recipe, heat) + (recipe != usual) * 0.05

    heats = [slice(200), slice(200, 400)]
    assert settle(TogetherRecipe(), worth, ("discount",), heats) == usual
    assert settle(TogetherRecipe(), louder, ("discount",), heats) != usual


def test_who_loses_the_first_heat_clearly_is_not_asked_again() -> None:
    usual = TogetherRecipe().usual()
    asked: list[tuple[float | None, int]] = []

    def worth(recipe: TogetherRecipe, n: int) -> Doubles:
        asked.append((recipe.discount, n))
        worse = np.where(np.arange(n) % 2, -1.0, -2.0) if n == 10 else 100.0  # the rest would make up for it
        return np.zeros(n) + worse * (recipe != usual)

    assert settle(TogetherRecipe(), worth, ("discount",), [10, 20]) == usual
    assert {n for discount, n in asked if discount != usual.discount} == {10}


def test_what_is_set_stays() -> None:
    data = small_dataset()
    carved, examples = carve(data, 100, 0.0, 0)
    words, meaning, alike = read(carved)
    asked = TasteRecipe(reg=7.0, rank=0, recency=0.9, source_trust=1.0, target_trust=3.0)
    found, _ = settle_links(asked, carved, RUN, alike, Trial.of(examples, (words, meaning), 0))
    assert found == asked
    assert settle_popular(PopularRecipe(half_life=11.0), data, RUN).half_life == 11.0
    assert (
        settle_reader(WordsRecipe(recency=0.6), [words], data, lambda: Trial.of(examples, [meaning], 0)).recency
        == 0.6
    )


def test_nothing_stays_open_even_where_there_is_too_little_to_choose_by() -> None:
    data = small_dataset()
    carved, examples = carve(data, 3, 0.0, 0)
    words, meaning, alike = read(carved)
    found, _ = settle_links(TasteRecipe(), carved, RUN, alike, Trial.of(examples, (words, meaning), 0))
    assert found == TasteRecipe().usual()
    assert not found.open


def test_the_worth_of_an_event_is_that_of_its_rank_among_what_the_person_did_not_take() -> None:
    carved, examples = carve(small_dataset(), 100, 0.2, 0)
    examples = examples.newest
    words, meaning, _ = read(carved)
    taste = TasteRecipe(reg=2.0).fit(carved, RUN)
    trial = Trial.of(examples, (words, meaning), 0)
    found = trial.worth(Whole(taste))
    total = sum(calmed(model.score(examples.batch)) for model in (words, meaning, taste))
    # one batch, and a sample of all items: the scale of calming is that of these scores and the targets' own
    assert len(found) == len(examples)
    loose = 0
    for b, target in enumerate(examples.targets):
        had = examples.batch.rows[examples.batch.indptr[b] : examples.batch.indptr[b + 1]]
        rivals = np.setdiff1d(np.arange(len(carved.items)), [*had, *examples.later[b], target])
        above = (total[b, rivals] > total[b, target]).sum() + 0.5 * (total[b, rivals] == total[b, target]).sum()
        loose += abs(1 / np.log2(2 + above) - found[b]) > 1e-6
    assert loose <= 0.1 * len(found), "only what calming moves by a hair may change places"


@pytest.mark.parametrize("few", [0.0, 1.0])
def test_links_mixed_without_their_matrix_score_as_the_fitted_channel_does(
    monkeypatch: pytest.MonkeyPatch, few: float
) -> None:
    """Whether links are gathered, multiplied, or dense."""
    monkeypatch.setattr(settling, "FEW", few)
    data = small_dataset()
    _, _, alike = read(data)
    recipe = TogetherRecipe(discount=0.3, source_trust=3.0, target_trust=2.0, recency=0.8, k=1_000)
    plain = recipe.model(recipe.links(recipe.gather(data, RUN), data), data)
    _, examples = carve(data, 100, 0.0, 0)
    rows = np.arange(len(data.items), dtype=np.int32)
    mixed = Mixed.of(plain, alike.mixture(3.0), alike.mixture(2.0))
    fitted = recipe.fit(data, RUN, alike).score(examples.batch)
    for links in (sp.csr_array(plain.links), plain.links.toarray()):
        found = replace(mixed, links=links).among(examples.batch, rows)
        assert found == pytest.approx(fitted, abs=1e-5)


@pytest.mark.slow
def test_where_only_the_newest_events_lead_on_a_past_fades_fast() -> None:
    recipe = TasteRecipe(reg=2.0, rank=0, source_trust=0.0, target_trust=0.5)
    fast, slow = (settled(recipe, shelves(newest=newest)).recency or 0.0 for newest in (True, False))
    assert fast <= 0.7
    assert slow >= 0.85


@pytest.mark.slow
def test_readers_learn_how_fast_a_past_fades() -> None:
    def chosen(data: Dataset) -> float:
        _, examples = carve(data, 400, 0.0, 0)
        words, meaning, _ = read(data)
        trial = Trial.of(examples, [silenced(meaning)], 0)
        return settle_reader(WordsRecipe(), [words], data, lambda: trial).recency or 0.0

    assert chosen(shelves(newest=True)) <= 0.7
    assert chosen(shelves(newest=False)) >= 0.9


def test_a_reader_of_sets_is_not_asked_how_they_fade() -> None:
    data = small_dataset(timed=False)
    _, examples = carve(data, 100, 0.0, 0)
    words, meaning, _ = read(data)
    assert (
        settle_reader(WordsRecipe(), [words], data, lambda: Trial.of(examples, [meaning], 0))
        == WordsRecipe().usual()
    )


def test_rare_items_borrow_more_where_text_tells_than_where_it_misleads() -> None:
    data = shelves(newest=False, n_users=60)
    recipe = TasteRecipe(reg=2.0, rank=0, recency=1.0)
    told, misled = settled(recipe, data), settled(recipe, data, misled=True)
    assert (told.source_trust or 0.0) + (told.target_trust or 0.0) >= 20.0
    assert (misled.source_trust, misled.target_trust) == (0.0, 0.5)


@pytest.mark.parametrize("changes", [True, False])
def test_a_fashion_that_changed_is_told_from_one_that_lasts(changes: bool) -> None:
    """Sixty days before the end other items become what people take; or they never do."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rng = np.random.default_rng(0)
    items = [Item(f"{n:02}", f"thing {n}") for n in range(60)]
    before, after = rng.dirichlet(np.full(60, 0.5), size=2)
    days = np.sort(rng.random(4_000)) * 365
    taken = [rng.choice(60, p=after if changes and day > 305 else before) for day in days]
    events = [
        Event(f"u{n % 50}", f"{item:02}", "click", at=start + timedelta(days=float(day)))
        for n, (day, item) in enumerate(zip(days, taken, strict=True))
    ]
    found = settle_popular(PopularRecipe(), build_dataset(items, events), RUN).half_life
    assert found is not None
    assert found <= 30.0 if changes else found >= 90.0


def settled(recipe: TasteRecipe, data: Dataset, *, misled: bool = False) -> TasteRecipe:
    """What taste chooses beside readers that say nothing; `misled`: items borrow from any others."""
    carved, examples = carve(data, 400, 0.0, 0)
    _, meaning, alike = read(carved)
    if misled:
        others = np.random.default_rng(0).permutation(len(data.items))
        alike = replace(alike, neighbours=sp.csr_array(alike.neighbours[others]))
    return settle_links(recipe, carved, RUN, alike, Trial.of(examples, (silenced(meaning),), 0))[0]


def silenced(meaning: Meaning) -> Meaning:
    return replace(meaning, vectors=np.zeros_like(meaning.vectors))


def read(data: Dataset) -> tuple[Words, Meaning, Alike]:
    words, meaning = WordsRecipe().fit(data, RUN), MeaningRecipe().fit(data, RUN)
    rows = np.arange(len(data.items), dtype=np.int32)
    warm = rows[data.support > 0]
    return words, meaning, Alike(text_neighbours(words, meaning, rows, warm), data.support)


def shelves(*, newest: bool, n_users: int = 300) -> Dataset:
    """Ten shelves of eight items. People go from shelf to shelf and take three of each, or they love one shelf
    and pick something of any other now and then: only then does the whole past tell what comes."""
    rng = np.random.default_rng(7)
    items = [Item(f"{'abcdefghij'[shelf]}{n:02}", f"shelf{shelf}") for shelf in range(10) for n in range(8)]
    events = []
    for user in range(n_users):
        if newest:
            rows = [8 * shelf + n for shelf in rng.permutation(10)[:4] for n in rng.permutation(8)[:3]]
        else:
            loved = 8 * int(rng.integers(10))
            rows = [loved + n if rng.random() < 0.6 else int(rng.integers(80)) for n in rng.permutation(8)]
        events += [Event(f"u{user:03}", items[row].item_id, "click", order=n) for n, row in enumerate(rows)]
    return build_dataset(items, events)
