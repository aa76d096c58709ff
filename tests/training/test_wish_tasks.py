"""Wishes made of a catalogue's fields, and what was typed: what is wanted is right, what is named is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.data.signals import Signals
from zhiyin.training.augmenting import Others, Varied, synonyms, wording_of
from zhiyin.training.past import Past, typed_in
from zhiyin.training.tower_recipe import OF_FIELDS, Task
from zhiyin.training.wishes import Attribute, Fields, Typo, Wish, Without, misspelled, of_fields
from zhiyin.types import Event, Item

COLOURS, KINDS = ("white", "black", "green"), ("lamp", "chair")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class World:
    data: Dataset
    past: Past
    fields: Fields


@pytest.fixture(scope="module")
def world() -> World:
    items = [
        Item(f"{kind}-{colour}-{n}", title=f"Fine {kind} model {'abcdefg'[n] * 3}", categories=(kind,),
             attributes={"colour": colour, "weight": 3})
        for kind in KINDS for colour in COLOURS for n in range(4)
    ]  # fmt: skip
    data = build_dataset(items, [Event("u", items[0].item_id, "click", at=NOW)])
    past = Past.of(data, (), np.zeros(len(items), bool), 10, 0)
    return World(data, past, Fields.of(data.catalogue, past))


def item_of(world: World, row: int) -> Item:
    return world.data.catalogue[row]


@given(st.integers(0, 10**6))
def test_a_wish_for_an_attribute_wants_an_item_that_has_it(world: World, seed: int) -> None:
    drawing = of_fields(world.fields, "attribute", "en")
    assert isinstance(drawing, Attribute)
    (example,) = drawing.draw(np.random.default_rng(seed))
    ((wish, _),) = example.asked
    item = item_of(world, example.target)
    assert item.categories[0] in str(wish)
    assert any(str(value) in str(wish) for value in (*item.attributes.values(), *item.title.split())), wish
    assert example.target in example.no_rivals
    assert {item_of(world, row).categories for row in example.no_rivals.tolist()} == {item.categories}


@given(st.integers(0, 10**6))
def test_a_wish_without_an_attribute_names_such_as_have_it_as_wrong(world: World, seed: int) -> None:
    drawing = of_fields(world.fields, "without", "en")
    assert isinstance(drawing, Without)
    (example,) = drawing.draw(np.random.default_rng(seed))
    ((wish, _),) = example.asked
    assert example.against
    said = {colour for colour in COLOURS if colour in str(wish)}
    for row in example.against:
        item = item_of(world, row)
        assert item.categories == item_of(world, example.target).categories
        assert said <= {item.attributes["colour"]}
    for row in example.no_rivals.tolist():
        assert item_of(world, row).attributes["colour"] not in said
    assert not set(example.against) & set(example.no_rivals.tolist())


@given(st.text("abcdefgh", min_size=3, max_size=12), st.integers(0, 10**6))
def test_a_misspelled_word_is_another_word_of_nearly_the_same_letters(word: str, seed: int) -> None:
    found = misspelled(word, np.random.default_rng(seed))
    assert abs(len(found) - len(word)) <= 1
    assert found != word


@given(st.integers(0, 10**6))
def test_vague_and_misspelled_wishes_want_the_item_that_they_are_made_of(world: World, seed: int) -> None:
    for task in ("wish", "typo"):
        drawing = of_fields(world.fields, task, "en")  # type: ignore[arg-type]
        assert isinstance(drawing, Wish | Typo)
        (example,) = drawing.draw(np.random.default_rng(seed))
        assert str(example.asked[0][0]).strip()
        assert example.target in world.fields.rows


@pytest.mark.parametrize("task", OF_FIELDS)
def test_every_language_has_its_words(world: World, task: Task) -> None:
    for language in ("en", "zh", "other"):
        drawing = of_fields(world.fields, task, language)
        assert drawing is not None
        assert drawing.draw(np.random.default_rng(0))[0].task == task


def test_a_catalogue_without_words_has_no_wishes() -> None:
    data = build_dataset([Item("a"), Item("b", title="1 2 3")], ())
    past = Past.of(data, (), np.zeros(2, bool), 10, 0)
    fields = Fields.of(data.catalogue, past)
    assert [of_fields(fields, task, "en") for task in OF_FIELDS] == [None] * 4


def searched(*events: tuple[str, str, str | None, float]) -> list[Event]:
    """(type, item or text, …) at so many minutes."""
    found = []
    for type_, item, text, minutes in events:
        at = NOW + timedelta(minutes=minutes)
        found.append(Event("u", item or None, type_, at=at, text=text))  # type: ignore[arg-type]
    return found


def test_what_was_taken_soon_after_a_search_answers_it() -> None:
    items = [Item(name, title=name) for name in ("tea", "cup", "saw", "pot")]
    events = searched(
        ("search", "", "something warm", 0),
        ("click", "tea", None, 1),
        ("dislike", "saw", None, 2),
        ("purchase", "cup", None, 30),
        ("click", "pot", None, 120),
    )
    data = build_dataset(items, events)
    found = typed_in(events, data, Signals())
    assert [(one.text, data.catalogue[one.row].item_id) for one in found] == [
        ("something warm", "tea"),
        ("something warm", "cup"),
    ]
    fewer = data.keep(data.item_rows != data.items.row("cup"))
    assert [one.row for one in typed_in(events, fewer, Signals())] == [data.items.row("tea")], (
        "it may not be known"
    )


def test_words_that_stand_among_the_same_others_are_exchanged() -> None:
    rng = np.random.default_rng(0)
    kitchen, garden = ("pan", "oven", "spoon", "bowl"), ("rake", "hose", "fern", "seed")
    texts = []
    for _ in range(200):
        for words, names in ((kitchen, ("kettle", "teapot")), (garden, ("spade", "shovel"))):
            texts.append(f"{names[int(rng.integers(2))]} {' '.join(rng.permutation(words)[:3])}")
    near = synonyms(texts, 0)
    assert near["kettle"] in ("teapot", *kitchen)
    assert near["spade"] in ("shovel", *garden)


def test_texts_are_varied_and_never_empty(world: World) -> None:
    wording = wording_of(world.data.catalogue, world.past, 0.5, 0)
    assert isinstance(wording, Varied)
    said = {wording.of(0, np.random.default_rng(seed)) for seed in range(50)}
    assert len(said) > 5
    assert all(text.strip() for text in said)
    same = wording_of(world.data.catalogue, world.past, 0.0, 0)
    assert same.of(0, np.random.default_rng(0)) == world.past.texts[0]


@given(st.integers(0, 10**6))
def test_other_wordings_are_drawn_by_the_seed_alone_and_only_of_items_that_have_them(
    world: World, seed: int
) -> None:
    others = Others({1: ("one", "two")}, 0.5)
    wording = wording_of(world.data.catalogue, world.past, 0.0, 0, others)
    said = [wording.of(row, np.random.default_rng(seed)) for row in (0, 1, 1)]
    assert said[0] == world.past.texts[0]
    assert said[1] == said[2]
    assert said[1] in ("one", "two", world.past.texts[1])


def test_other_wordings_are_read_as_often_as_is_said_each_as_often_as_the_next(world: World) -> None:
    rng = np.random.default_rng(0)
    wording = wording_of(world.data.catalogue, world.past, 0.0, 0, Others({0: ("one", "two")}, 0.3))
    drawn = [wording.of(0, rng) for _ in range(4_000)]
    shares = [drawn.count(text) / len(drawn) for text in ("one", "two", world.past.texts[0])]
    np.testing.assert_allclose(shares, [0.15, 0.15, 0.7], atol=4 * 0.5 / np.sqrt(len(drawn)))


def test_words_of_another_wording_are_varied_like_those_of_the_text(world: World) -> None:
    wording = wording_of(
        world.data.catalogue, world.past, 0.5, 0, Others({0: ("mug of blue clay to drink of",)}, 1.0)
    )
    said = {wording.of(0, np.random.default_rng(seed)) for seed in range(50)}
    assert len(said) > 5
    assert all(set(text.split()) <= {"mug", "of", "blue", "clay", "to", "drink"} for text in said)


def test_without_other_wordings_texts_are_varied_as_they_were(world: World) -> None:
    plain = wording_of(world.data.catalogue, world.past, 0.5, 0)
    with_none = wording_of(world.data.catalogue, world.past, 0.5, 0, Others({}, 0.5))
    for seed in range(20):
        assert plain.of(0, np.random.default_rng(seed)) == with_none.of(0, np.random.default_rng(seed))
