"""Hypothesis strategies for the nouns: everything that their own checks allow, odd and huge included."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args

from hypothesis import strategies as st

from zhiyin.texts import MAX_ID
from zhiyin.types import (
    EVENT_TYPES,
    MAX_LINE,
    MAX_TEXT,
    MAX_VALUE,
    STANCES,
    AsOf,
    Event,
    GraphPath,
    Item,
    ItemLabel,
    Mode,
    Place,
    Query,
    Reason,
    Recommendation,
    Translation,
)

_ODD_TEXTS = (
    "",
    "😀" * 50,
    "a/b\\c'd\"e",
    "知音",
    "\u202eright to left",
    "é",
    "e\u0301",
    "\ufeff",
    "字" * MAX_TEXT,
)
_ODD_IDS = (
    "a/b",
    "a b",
    "😀",
    "'; DROP TABLE events; --",
    "%_*?",
    "知音",
    "e\u0301",
    "\u200b.",
    "x" * MAX_ID,
)

_CONTROL = "".join(map(chr, (*range(0x20), 0x7F)))
_printable = st.characters(codec="utf-8", exclude_characters=_CONTROL)

ids = st.one_of(
    st.sampled_from(_ODD_IDS),
    st.text(_printable, min_size=1, max_size=40).filter(str.strip),
)
texts = st.one_of(st.sampled_from(_ODD_TEXTS), st.text(_printable))
short_texts = st.text(st.characters(codec="utf-8"), max_size=60)
numbers = st.floats(allow_nan=False, allow_infinity=False)
whole = st.integers(-(2**63) + 1, 2**63 - 1)
scalars = st.one_of(short_texts, numbers, whole, st.booleans())
attributes = st.dictionaries(short_texts, scalars, max_size=5)
_vector_names = st.text("azAZ09_-知音", min_size=1, max_size=40)
_vectors = (
    st.lists(st.floats(-1e100, 1e100), min_size=1, max_size=8).map(tuple).filter(lambda v: math.hypot(*v) > 1e-9)
)
moments = st.datetimes(
    datetime(1, 1, 2),
    datetime(9999, 12, 30),
    timezones=st.sampled_from((UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-9, minutes=-30)))),
)
id_lists = st.lists(ids, max_size=4).map(tuple)


@st.composite
def events(draw: st.DrawFn) -> Event:
    type_ = draw(st.sampled_from(EVENT_TYPES))
    if type_ == "edit":
        return draw(edits())
    return Event(
        user_id=draw(ids),
        item_id=draw(ids | st.none() if type_ == "search" else ids),
        type=type_,
        at=draw(st.none() | moments),
        order=draw(st.none() | whole),
        value=draw(st.none() | st.floats(-MAX_VALUE, MAX_VALUE)),
        text=draw(st.none() | texts),
        event_id=draw(st.none() | ids),
        session_id=draw(st.none() | ids),
        recommendation_id=draw(st.none() | ids),
        position=draw(st.none() | st.integers(0, 2**63 - 1)),
        context=draw(attributes),
    )


_item_labels = st.builds(
    ItemLabel,
    labels=st.lists(short_texts, max_size=2).map(tuple),
    probabilities=st.dictionaries(short_texts, st.floats(0, 1), max_size=2),
    by=short_texts,
    at=moments,
)


@st.composite
def edits(draw: st.DrawFn) -> Event:
    """What people say of the lines of their profile."""
    said = {"field": draw(short_texts.filter(bool)), "stance": draw(st.sampled_from(STANCES))}
    text = draw(st.text(_printable, min_size=1, max_size=MAX_LINE).filter(str.strip))
    return Event(draw(ids), None, "edit", at=draw(st.none() | moments), text=text, context=said)


def items() -> st.SearchStrategy[Item]:
    return st.builds(
        Item,
        item_id=ids,
        title=st.sampled_from(_ODD_TEXTS[:-1]),
        text=texts,
        categories=id_lists,
        brand=st.none() | short_texts,
        attributes=attributes,
        price=st.none() | st.floats(0, 1e300),
        url=st.none() | short_texts,
        image=st.none() | short_texts,
        language=st.none() | st.sampled_from(("en", "zh")),
        translations=st.dictionaries(short_texts, st.builds(Translation, texts, texts), max_size=2),
        vectors=st.dictionaries(_vector_names, _vectors, max_size=2),
        labels=st.dictionaries(st.sampled_from(("topic", "mood")), _item_labels, max_size=2),
        available=st.booleans(),
        published_at=st.none() | moments,
    )


def recommendations() -> st.SearchStrategy[Recommendation]:
    paths = st.none() | st.builds(
        GraphPath, short_texts, st.none() | short_texts, st.none() | ids, st.none() | st.booleans()
    )
    reasons = st.builds(Reason, short_texts, numbers, id_lists, id_lists, paths)
    places = st.builds(
        Place,
        item_id=ids,
        score=numbers,
        parts=st.dictionaries(short_texts, numbers, max_size=4),
        log_propensity=numbers,
        explored=st.booleans(),
        reasons=st.lists(reasons, max_size=2).map(tuple),
    )
    return st.builds(
        Recommendation,
        recommendation_id=ids,
        at=moments,
        query=_queries(),
        bundle=short_texts,
        settings=short_texts,
        as_of=st.builds(AsOf, whole, whole),
        policy=short_texts,
        variant=short_texts,
        mode=st.sampled_from(get_args(Mode)),
        items=st.lists(places, max_size=4).map(tuple),
        candidates=st.lists(st.tuples(ids, numbers), max_size=6).map(tuple),
        missing_ids=id_lists,
        mixing=st.none() | numbers,
    )


def _queries() -> st.SearchStrategy[Query]:
    return st.builds(
        Query,
        user_id=st.none() | ids,
        session=id_lists,
        text=st.none() | short_texts,
        like=id_lists,
        unlike=id_lists,
        n=st.integers(1, 1_000),
        scenario=short_texts,
        filter=st.none() | short_texts,
        exclude=id_lists,
        context=attributes,
    )
