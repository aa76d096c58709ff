"""Portraits of small lives: what stands out, with what evidence, and the laws that every line keeps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.data.signals import Signals
from zhiyin.live import Live
from zhiyin.profile.lines import SHOWN, Line
from zhiyin.profile.odds import STANDS_OUT
from zhiyin.profile.portrait import Diary, portrait
from zhiyin.profile.traits import Language, Trait, has
from zhiyin.profile.wording import worded
from zhiyin.testing.small import small_catalogue
from zhiyin.types import Event, EventType

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
GARDEN = Trait("category", "garden")
IDS = [item.item_id for item in small_catalogue()]
STARS = Signals(rating_threshold=3.0)


def did(
    item_id: str, type_: EventType = "like", day: int = 0, value: float | None = None, text: str = ""
) -> Event:
    return Event("ann", item_id, type_, at=NOON + timedelta(days=day), value=value, text=text or None)


def searched(text: str, day: int = 0) -> Event:
    return Event("ann", None, "search", at=NOON + timedelta(days=day), text=text)


def drawn(
    live: Live, events: Sequence[Event], searches: Sequence[Event] = (), language: Language = "en"
) -> dict[Trait, Line]:
    world = live.snapshot()
    lines = portrait(world, live.background(world), STARS, Diary(events, searches), language)
    assert len({line.trait.key for line in lines}) == len(lines), "no line is told twice"
    return {line.trait: line for line in lines}


def test_what_stands_out_is_told_with_its_items_counts_and_the_base_rate(live: Live) -> None:
    events = [did(f"garden/{noun}", day=n) for n, noun in enumerate(("spade", "rake", "seed", "pot"))]
    line = drawn(live, [*events, did("garden/seed", "purchase", day=9), did("music/harp", day=10)])[GARDEN]
    evidence = line.evidence
    assert (line.leaning, line.when) == ("likes", "lasting")
    assert evidence.items == ("garden/seed", "garden/pot", "garden/rake", "garden/spade")
    assert (evidence.n_items, evidence.of, evidence.n_events) == (4, 5, 5)
    assert evidence.share == pytest.approx(4 / 5)
    assert (evidence.base_share, evidence.base) == (pytest.approx(8.5 / 86), "catalogue")
    assert (evidence.first, evidence.last) == (NOON, NOON + timedelta(days=9))
    assert worded(line, "en").because == ("4 of the 5 things that you took to, 80 %; of the catalogue, 9.9 %.")
    assert worded(line, "zh").sentence == "你一直喜欢“garden”。"


def test_a_glance_counts_less_than_a_purchase(live: Live) -> None:
    def share(kind: EventType) -> float:
        bought = [did(f"garden/{noun}", "purchase") for noun in ("spade", "rake", "seed")]
        return drawn(live, [*bought, did("music/harp", kind)])[GARDEN].evidence.share

    assert share("purchase") == pytest.approx(3 / 4)
    assert share("click") == pytest.approx(3 / 3.5)


def test_low_ratings_and_hiding_speak_against(live: Live) -> None:
    low = [did(f"kitchen/{noun}", "rating", value=1.0) for noun in ("knife", "pan", "whisk")]
    hidden = [did("kitchen/bowl", "hide"), did("music/harp", "like")]
    line = drawn(live, [*low, *hidden])[Trait("category", "kitchen")]
    assert line.leaning == "dislikes"
    assert (line.evidence.n_items, line.evidence.of) == (4, 4)
    assert worded(line, "en").sentence == "You turn down “kitchen”."
    assert worded(line, "zh").because == "你不要的 4 样里有 4 样，占 100%；整个目录里占 9.9%。"


def test_what_is_liked_and_disliked_alike_is_no_dislike(live: Live) -> None:
    liked = [did(f"garden/{noun}") for noun in ("spade", "rake", "seed", "pot")]
    other = [did("music/harp"), did("kitchen/pan")]  # of what is disliked all is of the garden
    against = [did(f"garden/{noun}", "dislike") for noun in ("hose", "lamp", "bench", "fern")]
    found = drawn(live, [*liked, *other, *against])
    assert found[GARDEN].leaning == "likes"


def test_recent_and_fading_are_told_apart(live: Live) -> None:
    old = [did(f"garden/{noun}", day=n) for n, noun in enumerate(("spade", "rake", "seed", "pot"))]
    new = [did(f"music/{noun}", day=100 + n) for n, noun in enumerate(("piano", "violin", "drum", "flute"))]
    found = drawn(live, [*old, *new])
    assert found[GARDEN].when == "fading"
    assert found[Trait("category", "music")].when == "recent"
    assert worded(found[GARDEN], "en").sentence == "You used to take to “garden”."


def test_words_of_what_was_liked_and_written_stand_out(live: Live) -> None:
    praise = [
        did(f"{theme}/{noun}", "review", text="A squeaky hinge")
        for theme, noun in (("garden", "spade"), ("kitchen", "pan"), ("music", "drum"))
    ]
    line = drawn(live, praise)[Trait("word", "squeaky")]
    assert line.evidence.n_items == 3
    assert worded(line, "en").sentence == "You like what says “squeaky”."


def test_topics_are_clusters_named_by_their_words(live: Live) -> None:
    garden = [did(f"garden/{noun}") for noun in ["spade", "rake", "seed", "pot", "hose", "lamp", "bench", "fern"]]
    topics = [line for trait, line in drawn(live, [*garden, did("other/3")]).items() if trait.field == "topic"]
    assert len(topics) == 1
    assert topics[0].evidence.n_items == 8
    assert set(topics[0].evidence.items) <= {event.item_id for event in garden}
    assert "garden" in topics[0].trait.value


def test_searches_made_again_are_told_with_their_number(live: Live) -> None:
    found = drawn(live, [], [searched("tea"), searched("Green pot", 1), searched("green  POT", 2)])
    (line,) = found.values()
    assert line.trait == Trait("text", "green  POT")
    assert (line.evidence.n_items, line.evidence.of) == (2, 3)
    assert line.evidence.last == NOON + timedelta(days=2)
    assert worded(line, "en").because == "Times you searched for it: 2."
    (newest,) = drawn(live, [], [searched("tea"), searched("coffee", 1)])
    assert newest.value == "coffee"


def test_a_search_without_a_word_or_too_long_for_a_line_is_none(live: Live) -> None:
    assert drawn(live, [], [searched(" "), searched("x" * 301), Event("ann", None, "search")]) == {}


def test_words_are_told_in_the_language_of_the_reader(live: Live) -> None:
    events = [did(f"garden/{noun}") for noun in ("spade", "rake", "seed")]
    chinese = [t.value for t in drawn(live, events, language="zh") if t.field in ("word", "topic")]
    assert "花园" in "".join(chinese)
    english = [t.value for t in drawn(live, events, language="en") if t.field in ("word", "topic")]
    assert "花园" not in "".join(english)


_events = st.lists(
    st.builds(
        did,
        st.sampled_from([*IDS, "gone"]),
        st.sampled_from(("view", "click", "like", "purchase", "rating", "dislike", "hide", "review")),
        st.integers(0, 300),
        st.none() | st.floats(0, 5),
        st.sampled_from(("", "squeaky wheel", "吱吱响的轮子", "<script>alert(1)</script>")),
    ),
    max_size=40,
)


@given(_events, st.lists(st.sampled_from(("tea", "a pot", "花园")).map(searched), max_size=5))
def test_the_evidence_of_a_line_is_always_in_the_log(
    live: Live, events: list[Event], searches: list[Event]
) -> None:
    touched = {event.item_id for event in events}
    world = live.snapshot()
    for trait, line in drawn(live, events, searches).items():
        evidence = line.evidence
        assert set(evidence.items) <= touched
        assert len(evidence.items) == min(evidence.n_items, SHOWN) or evidence.base == "none"
        assert evidence.n_items <= evidence.of
        assert 0 <= evidence.share <= 1 + 1e-9
        assert evidence.n_events <= len(events) + len(searches)
        if evidence.base == "none":
            assert trait.key in [Trait("text", str(event.text)).key for event in searches]
            continue
        assert evidence.z >= STANDS_OUT
        if trait.field not in ("word", "topic"):
            items = [world.items[world.vocabulary.row(item_id)] for item_id in evidence.items]
            assert all(item is not None and has(trait)(item) for item in items)


@given(_events)
def test_the_same_log_gives_the_same_lines(live: Live, events: list[Event]) -> None:
    for language in get_args(Language):
        first, again = drawn(live, events, language=language), drawn(live, list(events), language=language)
        assert list(first.items()) == list(again.items())


def test_nothing_is_told_of_nobody(live: Live) -> None:
    assert drawn(live, []) == {}
    assert drawn(live, [did("gone"), did("garden/spade", "impression")]) == {}
