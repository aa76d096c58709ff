"""What may be tuned: all of it exists, all of it is allowed, and nothing that the data has no use for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from zhiyin.data.dataset import build_dataset
from zhiyin.models.baselines import EASE, ITEM_KNN
from zhiyin.models.words import WordsRecipe
from zhiyin.recipe import DefaultRecipe
from zhiyin.testing.small import small_catalogue, small_events, small_pictures, small_relations
from zhiyin.workflows.contenders import contenders
from zhiyin.workflows.spaces import SPANS, Choice, Span, our_space, setting_of, short, with_settings

RECIPE = DefaultRecipe()
EVENTS = [*small_events(30), *(replace(event, event_id=f"2 {event.event_id}") for event in small_events(30))]
DATA = build_dataset(small_pictures(), EVENTS, relations=small_relations())


@pytest.mark.parametrize("name", SPANS)
def test_both_ends_of_a_span_are_allowed_and_what_is_usual_lies_within(name: str) -> None:
    span = SPANS[name]
    assert isinstance(span, Span)
    for end in (span.low, span.high):
        assert setting_of(with_settings(RECIPE, {name: end}), name) == end
    usual = setting_of(RECIPE, name)
    assert usual is not None, "what may be left out is a choice"
    assert span.low <= usual <= span.high


def test_all_that_the_recipe_chooses_by_itself_may_be_tuned_and_left_to_it() -> None:
    space = our_space(RECIPE, DATA)
    assert set(SPANS) <= set(space)
    for section in ("popular", "together", "taste", "words", "meaning"):
        for name, values in getattr(RECIPE, section).choices.items():
            assert space[f"{section}.{name}"] == Choice((None, *values))
    for name, dimension in space.items():
        if isinstance(dimension, Choice):
            for value in dimension.values:
                assert setting_of(with_settings(RECIPE, {name: value}), name) == value


def test_what_the_data_has_nothing_for_is_not_tuned() -> None:
    bare = build_dataset(small_catalogue(), small_events(30, timed=False))
    sections = {name.split(".")[0] for name in our_space(RECIPE, bare)}
    assert not sections & {"popular", "transition", "graph", "vectors", "repeat"}
    off = RECIPE.model_copy(update={"off": ("taste",)})
    assert not [name for name in our_space(off, DATA) if name.startswith("taste.")]


def test_a_value_in_use_is_in_its_space_whatever_it_is() -> None:
    odd = with_settings(RECIPE, {"taste.reg": 333.0, "together.window": 99, "quality.prior": 0.25})
    space = our_space(odd, DATA)
    assert 333.0 in space["taste.reg"].values  # type: ignore[union-attr]
    assert space["together.window"] == Span(2, 99, log=True, whole=True)
    assert space["quality.prior"] == Span(0.25, 100.0, log=True)
    assert Span(1.0, 2.0, log=True).holding(0.0) == Span(1.0, 2.0, log=True)


def test_what_is_tried_is_as_short_as_people_write_it() -> None:
    assert short({"a": 0.123456789, "b": 12, "c": None, "d": 3650.0}) == {
        "a": 0.1235,
        "b": 12,
        "c": None,
        "d": 3650.0,
    }


def test_baselines_start_from_what_they_are_without_tuning() -> None:
    ours, ease, item_knn, text_knn = contenders(RECIPE, DATA)
    assert [one.title for one in (ours, ease, item_knn, text_knn)] == [
        "zhiyin",
        "EASE",
        "item-kNN",
        "text-kNN on titles",
    ]
    assert ours.start == {name: setting_of(RECIPE, name) for name in ours.space}
    assert ease.start == {"reg": EASE.reg}
    assert item_knn.start == {"k": 200, "shrinkage": 10.0, "recency": ITEM_KNN.fades(DATA)}
    assert text_knn.start == {"recency": WordsRecipe().fades(DATA)}
    for one in (ease, item_knn, text_knn):
        assert set(one.start) == set(one.space)
        for name, span in one.space.items():
            assert isinstance(span, Span)
            usual = one.start[name]
            assert usual is not None
            assert span.low <= usual <= span.high
