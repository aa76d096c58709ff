"""What a person says of their profile, in the score: by hand, and the laws of every stance."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import small_worlds
from zhiyin.live import Live
from zhiyin.models.base import Batch, history_batch
from zhiyin.profile.edits import Said
from zhiyin.profile.traits import Trait
from zhiyin.ranking.fusion import PROFILE, WISH_GATES, Heard, standardised
from zhiyin.ranking.standing import Asking, LineWeights, Spoken, refused, spoken_of
from zhiyin.snapshot import Snapshot
from zhiyin.types import Item, Stance

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LOUD = LineWeights(lift=1.5, cost=3.0, read=0.4)
NOBODY, SOMEBODY = history_batch([], [], []), history_batch([3], [1.0], [0.0])


def plain(text: str) -> Batch:
    return history_batch([], [], [], text)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    with small_worlds.untrained(tmp_path_factory.mktemp("standing")) as shop:
        live: Live = shop.live()
        yield live.snapshot()


def said(field: str, value: str, stance: Stance) -> Said:
    return Said(Trait(field, value), stance, NOON)


def spoken(world: Snapshot, *lines: Said, history: Batch = SOMEBODY, typed: bool = False) -> Spoken:
    found = spoken_of(lines, world, Asking(history, typed, LOUD, alone=plain, beside=plain))
    assert found is not None
    return found


def every(world: Snapshot) -> np.ndarray:
    return np.arange(len(world.items), dtype=np.int32)


def added(world: Snapshot, *lines: Said, history: Batch = SOMEBODY) -> dict[str, float]:
    values = spoken(world, *lines, history=history).addends(every(world)).sum(axis=0)
    return dict(zip(world.vocabulary, values.tolist(), strict=True))


def test_a_trait_adds_lift_or_takes_cost_where_an_item_has_it(world: Snapshot) -> None:
    more = added(world, said("category", "GARDEN", "more"))
    assert {id_ for id_, value in more.items() if value} == {id_ for id_ in more if id_.startswith("garden/")}
    assert set(more.values()) == {0.0, 1.5}
    assert set(added(world, said("category", "garden", "less")).values()) == {0.0, -3.0}
    both = added(world, said("category", "garden", "more"), said("price", "..15", "less"))
    assert (both["garden/spade"], both["garden/rake"], both["kitchen/knife"]) == (-1.5, 1.5, -3.0)


def test_a_word_is_looked_up_exactly(world: Snapshot) -> None:
    more = added(world, said("word", "spade", "more"))
    assert {id_ for id_, value in more.items() if value} == {"garden/spade"}
    chinese = added(world, said("word", "花园", "less"))
    assert {id_ for id_, value in chinese.items() if value} == {"garden/spade", "garden/rake", "garden/seed"}


def test_a_sentence_adds_what_a_typed_wish_would_times_its_loudness(world: Snapshot) -> None:
    rows = every(world)
    wish = Heard.by(world.models, NOBODY, plain("a flute for music"))
    by_hand = np.zeros(len(rows))
    for name, scorer in wish.wished.items():
        scale = float(world.fusion.wish_scales[world.fusion.channels.index(name)])
        by_hand += WISH_GATES[name] * standardised(scorer.score(rows), scale)
    line = said("text", "a flute for music", "more")
    beside = spoken(world, line).addends(rows)[0]
    np.testing.assert_allclose(beside, 0.4 * by_hand, rtol=1e-6)
    alone = spoken(world, line, history=NOBODY)
    assert alone.alone
    np.testing.assert_allclose(alone.addends(rows)[0], by_hand, rtol=1e-6)
    says = np.array([id_ == "music/flute" for id_ in world.vocabulary])
    less = spoken(world, said("text", "a flute for music", "less")).addends(rows)[0]
    np.testing.assert_allclose(less, -3.0 * says - 0.5 * 0.4 * np.maximum(by_hand, 0.0), rtol=1e-6)


def test_a_sentence_is_alone_only_where_nothing_else_is_known(world: Snapshot) -> None:
    line = said("text", "flutes", "more")
    assert spoken(world, line, history=NOBODY).alone
    assert not spoken(world, line).alone
    assert not spoken(world, line, history=NOBODY, typed=True).alone
    assert not spoken(world, said("text", "flutes", "less"), history=NOBODY).alone
    assert not spoken(world, said("category", "music", "more"), history=NOBODY).alone
    assert spoken_of((), world, Asking(NOBODY, False, LOUD, plain, plain)) is None


def test_the_part_is_one_addend_of_the_score_and_its_lines_sum_to_it(world: Snapshot) -> None:
    lines = said("category", "garden", "more"), said("text", "flute", "less")
    voice, rows = spoken(world, *lines), every(world)
    with_lines = world.fusion.parts(Heard.by(world.models, SOMEBODY, said=voice), rows)
    without = world.fusion.parts(Heard.by(world.models, SOMEBODY), rows)
    assert with_lines.names == (*without.names, PROFILE)
    np.testing.assert_array_equal(with_lines.values[:-1], without.values)
    np.testing.assert_array_equal(with_lines.values[-1], voice.addends(rows).sum(axis=0))


def test_never_leaves_out_what_has_the_trait_or_says_all_the_words(world: Snapshot) -> None:
    def gone(field: str, value: str, stance: Stance = "never") -> set[str]:
        out = refused([said(field, value, stance)], every(world), world.items, world.models)
        return {id_ for id_, left_out in zip(world.vocabulary, out.tolist(), strict=True) if left_out}

    assert gone("category", "music") == {id_ for id_ in world.vocabulary if id_.startswith("music/")}
    assert gone("text", "kitchen spoon") == {"kitchen/spoon"}
    assert gone("text", "spoon") == {"kitchen/spoon"}
    assert gone("text", "spoons of elsewhere") == gone("text", "…") == gone("word", "!") == set()
    assert gone("category", "music", "less") == set()


def test_a_reason_names_the_lines_that_raise_an_item_most(world: Snapshot) -> None:
    lines = [said("category", "garden", "more"), said("brand", "Acorn", "less"), said("word", "spade", "more")]
    voice = spoken(world, *lines)
    assert voice.told(world.vocabulary.row("garden/spade")) == ("garden", "spade")
    assert voice.told(world.vocabulary.row("garden/rake")) == ("garden",)
    assert voice.told(world.vocabulary.row("music/piano")) == ()


_traits = st.one_of(
    st.tuples(st.just("category"), st.sampled_from(("garden", "music", "sale", "nothing"))),
    st.tuples(st.just("brand"), st.sampled_from(("Acorn", "Birch"))),
    st.tuples(st.just("price"), st.sampled_from(("..20", "20..50", "50.."))),
    st.tuples(st.just("word"), st.sampled_from(("spade", "loves", "花园"))),
    st.tuples(st.sampled_from(("text", "topic")), st.sampled_from(("a flute", "花园", "<b>", "🙂", "knife, pan"))),
)
_stances: st.SearchStrategy[Stance] = st.sampled_from(("more", "less", "never"))


@given(_traits, st.sampled_from(("less", "never")), st.lists(st.tuples(_traits, _stances), max_size=4))
def test_striking_a_line_never_raises_anything(
    world: Snapshot, struck: tuple[str, str], stance: Stance, others: list[tuple[tuple[str, str], Stance]]
) -> None:
    beside = {trait: said(*trait, how) for trait, how in others if trait != struck}
    before = added(world, *beside.values()) if beside else dict.fromkeys(world.vocabulary, 0.0)
    after = added(world, *beside.values(), said(*struck, stance))
    assert all(after[id_] <= before[id_] + 1e-9 for id_ in world.vocabulary)


@given(_traits.filter(lambda trait: trait[0] not in ("text", "topic")))
def test_more_of_a_trait_never_lowers_anything_and_less_lowers_the_same(
    world: Snapshot, trait: tuple[str, str]
) -> None:
    more, less = added(world, said(*trait, "more")), added(world, said(*trait, "less"))
    assert min(more.values()) >= 0.0
    assert {id_ for id_, value in more.items() if value} == {id_ for id_, value in less.items() if value}


@pytest.fixture(scope="module")
def pantry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    """Things that are easily taken for each other."""
    things = [
        Item("decaf", "Evening decaf", "Coffee without caffeine."),
        Item("coffee", "Morning coffee", "Beans with a wake-up call."),
        Item("donuts", "Glazed donuts", "A dozen."),
        Item("nut", "A nut mix", "Walnut, almond, cashew."),
        Item("truck", "Red truck", categories=("Toy",)),
        Item("bib", "A bib", categories=("Baby & Toddler",)),
        Item("shoes", "Women's shoes"),
        Item("茶", "龙井茶", "清明前采的茶叶。"),
        Item("桌", "小木桌", "喝咖啡用的。"),
        Item("车", "婴儿车", "可折叠。", categories=("母婴用品",)),
    ]
    with small_worlds.untrained(tmp_path_factory.mktemp("pantry")) as shop:
        shop.put_items(things)
        yield shop.live().snapshot()


@pytest.mark.parametrize(
    ("value", "gone"),
    [
        ("decaf", {"decaf"}),
        ("coffees", {"decaf", "coffee"}),
        ("nuts", {"nut"}),
        ("donut", {"donuts"}),
        ("toys", {"truck"}),
        ("baby things", {"bib"}),
        ("anything for toddlers", {"bib"}),
        ("woman's shoe", {"shoes"}),
        ("shoes for babies", set()),
        ("茶", {"茶"}),
        ("茶的东西", {"茶"}),
        ("咖啡", {"桌"}),
        ("婴儿的东西", {"车"}),
        ("母婴", {"车"}),
        ("things", set()),
    ],
)
def test_what_is_turned_down_goes_by_words_in_either_number(pantry: Snapshot, value: str, gone: set[str]) -> None:
    known = {"decaf", "coffee", "donuts", "nut", "truck", "bib", "shoes", "茶", "桌", "车"}
    out = refused([said("text", value, "never")], every(pantry), pantry.items, pantry.models)
    names = {id_ for id_, left_out in zip(pantry.vocabulary, out.tolist(), strict=True) if left_out}
    assert names & known == gone
