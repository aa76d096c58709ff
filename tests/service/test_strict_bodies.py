"""Numbers are numbers, truths are truths: what a body says is never guessed from something else."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given

from zhiyin.profile.edits import Edit
from zhiyin.service.api import events, items, labels, lists, users
from zhiyin.service.bodies import Decision, Form, Merge, Ranking, Search, Similar, Texts
from zhiyin.service.problems import BadBody
from zhiyin.testing.strategies import events as any_events
from zhiyin.testing.strategies import items as any_items
from zhiyin.testing.strategies import recommendations
from zhiyin.types import Event, Item, Query, User

CLICK = {"user_id": "ann", "item_id": "12", "type": "click"}
ITEM = {"item_id": "12"}
NOTE = {"labels": ["a"], "by": "person", "at": "2026-01-31T12:00:00Z"}
LAX = [
    (Query, {"n": "5"}),
    (Query, {"n": True}),
    (Query, {"n": 5.5}),
    (Similar, {"item_id": "12", "n": "5"}),
    (Search, {"text": "tea", "n": "5"}),
    (Ranking, {"item_ids": ["a"], "query": {"n": "5"}}),
    (Event, CLICK | {"value": "5"}),
    (Event, CLICK | {"value": True}),
    (Event, CLICK | {"position": "3"}),
    (Event, CLICK | {"position": False}),
    (Event, CLICK | {"position": -1}),
    (Event, CLICK | {"order": "1"}),
    (Event, CLICK | {"order": True}),
    (Event, CLICK | {"at": 1_700_000_000}),
    (Event, CLICK | {"at": "1700000000"}),
    (Event, CLICK | {"at": "2026-01-31"}),
    (Item, ITEM | {"price": "5"}),
    (Item, ITEM | {"price": True}),
    (Item, ITEM | {"available": "yes"}),
    (Item, ITEM | {"available": 1}),
    (Item, ITEM | {"published_at": 20_000}),
    (Item, ITEM | {"published_at": "20000"}),
    (Item, ITEM | {"vectors": {"look": ["1", 2.0]}}),
    (Item, ITEM | {"vectors": {"look": [True, 2.0]}}),
    (Item, ITEM | {"labels": {"topic": NOTE | {"probabilities": {"a": "0.5"}}}}),
    (Item, {"item_id": 12}),
    (User, {"user_id": 5}),
    (Merge, {"alias": 5, "user_id": "ann"}),
    (Texts, {"texts": [5]}),
    (Decision, {"item_id": "12", "label": True}),
    (Edit, {"value": 5}),
]


@pytest.mark.parametrize(("noun", "body"), LAX, ids=[f"{noun.__name__} {body}"[:60] for noun, body in LAX])
def test_what_is_of_another_kind_is_refused_with_its_place(noun: type, body: object) -> None:
    form = Form(noun, many="things", inner={"query": Query} if noun is Ranking else None)
    with pytest.raises(BadBody, match=r"^body\S*: .+, got "):
        form.read(orjson.dumps(body))
    with pytest.raises(BadBody, match=r"^body\[0\]\S*: .+, got "):
        form.read_all(orjson.dumps([body]))


def test_a_whole_number_may_be_written_with_a_point_and_a_number_without() -> None:
    assert Form(Query).read(b'{"n": 5.0}') == Query(n=5)
    (event,) = Form(Event).read_all(orjson.dumps(CLICK | {"position": 3.0, "order": 2.0, "value": 5}))
    assert (event.position, event.order, event.value) == (3, 2, 5.0)
    assert type(event.position) is int
    assert Form(Ranking, inner={"query": Query}).read(b'{"item_ids": ["a"], "query": {"n": 2.0}}').query.n == 2


def test_scalars_stay_what_they_are() -> None:
    said = {"text": "5", "whole": 5, "number": 5.0, "truth": True}
    context = Form(Query).read(orjson.dumps({"context": said})).context
    assert context == said
    assert [type(value) for value in context.values()] == [str, int, float, bool]


def test_a_time_has_its_zone() -> None:
    read = Form(Event).read(orjson.dumps(CLICK | {"at": "2026-01-31 20:00:00+08:00"}))
    assert read.at == datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_a_body_without_end_in_depth_is_refused() -> None:
    for depth in (150, 220, 500):
        with pytest.raises(BadBody):
            Form(Query).read(b"[" * depth + b"]" * depth)
        with pytest.raises(BadBody):
            Form(Query).read(b'{"context": ' + b'{"a": ' * depth + b"1" + b"}" * depth + b"}")


@given(recommendations().map(lambda shown: shown.query), any_events(), any_items())
def test_what_we_write_ourselves_is_read_back(query: Query, event: Event, item: Item) -> None:
    for said in (query, event, item):
        assert Form(type(said)).read(orjson.dumps(said, option=orjson.OPT_UTC_Z)) == said


def test_every_example_of_the_contract_is_read() -> None:
    for form, examples in (
        (Form(Query), lists.FOR_QUERY),
        (Form(Similar), lists.FOR_SIMILAR),
        (Form(Search), lists.FOR_SEARCH),
        (Form(Ranking, inner={"query": Query}), lists.FOR_RANK),
        (Form(Texts), labels.ASKED),
        (Form(Decision), labels.DECIDED),
    ):
        for body in examples.values():
            form.read(orjson.dumps(body))
    for body in events.EXAMPLES.values():
        Form(Event, many="events").read_all(orjson.dumps(body))
    Form(Item, many="items").read_all(orjson.dumps([items.SPADE]))
    Form(User, many="users").read_all(orjson.dumps(users.ANN))
    for body in users.EDITS.values():
        Form(Edit, many="edits").read_all(orjson.dumps(body))
