"""Which column of behaviour is what, what its types mean, and from how many stars up a rating is liking."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePath

from zhiyin.data.readers.events import nearest_type
from zhiyin.data.readers.infer_items import comma_in, take_time
from zhiyin.data.readers.mapping import EventFile
from zhiyin.data.readers.roles import Inferred, Roles, counted, shared
from zhiyin.data.readers.sample import Column, Sample
from zhiyin.data.readers.synonyms import EVENT_NAMES, SECONDS, STARS, UNITS, event_type_of, plain
from zhiyin.errors import InvalidData
from zhiyin.types import EVENT_TYPES, EventType

MAX_TYPES = 50  # distinct values of a column that can still be the event type
_RATED = ("rating", "review")


def infer_events(sample: Sample, *, item_ids: frozenset[str] = frozenset()) -> Inferred[EventFile]:
    """The mapping of an events file. `item_ids`: ids of the catalogue, where known.

    Raises InvalidData if no column can be the item or the user.
    """
    roles = Roles(sample, EVENT_NAMES)
    comma = comma_in(sample)
    item_id = _take_item(roles, item_ids)
    event_id = roles.find_and_take(
        "event_id", lambda column: column.uniqueness == column.fill == 1.0, "the event id"
    )
    user_id = _take_user(roles)
    type_column = _type_column(roles)
    types = _take_types(roles, type_column) if type_column else {}
    time = roles.find("at", lambda column: column.times is not None) or _iso_times(roles)
    at = take_time(roles, time, "the time") if time else None
    order = None if at else _take_order(roles)
    session_id = roles.find_and_take("session_id", lambda column: not column.times, "the session")
    value = roles.find("value", lambda column: column.is_number(comma=comma))
    text = roles.find_and_take("text", lambda column: not column.is_number(), "the text of the event")
    recommendation_id = roles.find_and_take("recommendation_id", lambda _: True)
    position = roles.find_and_take("position", Column.is_number)
    only_type = _only_type(roles, value, has_text=text is not None)
    if type_column is None:
        roles.said.append(f"there is no column of event types: I took all events as {only_type}")
    mapping = EventFile(
        path=sample.path,
        user_id=user_id,
        item_id=item_id,
        type=type_column.name if type_column else None,
        only_type=only_type,
        types=types,
        at=at,
        time_format=time.times.format if time and time.times else "iso",
        order=order,
        value=roles.take("value", value, _value_said(value)) if value else None,
        decimal_comma=comma,
        text=text,
        event_id=event_id,
        session_id=session_id,
        recommendation_id=recommendation_id,
        position=position,
        context=roles.rest("context"),
    )
    return Inferred(mapping, tuple(roles.said))


def rating_threshold(sample: Sample, file: EventFile) -> tuple[float | None, str]:
    """From how many stars up a rating is liking, None where ratings do not tell; and why, in words."""
    values = _rated_values(sample, file)
    if not values:
        return None, "there are no ratings with stars, so no threshold of liking is needed"
    if len(set(values)) == 1:
        return None, "all ratings are the same: any rating counts as interest, no threshold is set"
    low, high = min(values), max(values)
    halves = any(not value.is_integer() for value in values)
    if low < 0:
        threshold = 0.0
    elif high <= 1:
        threshold = 0.5
    elif high <= 5:
        threshold = 3.5 if halves else 4.0
    else:
        threshold = 7.0 if high <= 10 else round(0.7 * high)
    liked = sum(value >= threshold for value in values) / len(values)
    return threshold, (
        f"ratings go from {low:g} to {high:g}: I took {threshold:g} and more as liking "
        f"({liked:.0%} of them), less as disliking"
    )


def _rated_values(sample: Sample, file: EventFile) -> list[float]:
    if file.value is None or (file.type is None and file.only_type not in _RATED):
        return []
    column = sample.columns[file.value]
    if file.type is None:
        return column.numbers(comma=file.decimal_comma)
    kinds = sample.columns[file.type].cells
    known: dict[str, EventType] = {**{name: name for name in EVENT_TYPES}, **file.types}
    rated = [
        cell for cell, kind in zip(column.cells, kinds, strict=True) if known.get(str(kind).lower()) in _RATED
    ]
    return Column(column.name, rated).numbers(comma=file.decimal_comma)


def _take_item(roles: Roles, item_ids: frozenset[str]) -> str:
    named = roles.named("item_id")
    best = max(named, key=lambda column: shared(column, item_ids), default=None)
    if item_ids:
        met = max(roles.free(), key=lambda column: shared(column, item_ids), default=None)
        if met and shared(met, item_ids) > max(0.1, shared(best, item_ids) if best else 0.0):
            best = met
    if best is None:
        raise InvalidData(
            f"no column of {roles.sample.path} can be the item; its columns: "
            f"{', '.join(roles.sample.columns)}. Name one of them item_id"
        )
    met_words = f", {shared(best, item_ids):.0%} of them in the catalogue" if item_ids else ""
    return roles.take("item_id", best, f"the item: {counted(best, roles.sample)}{met_words}")


def _take_user(roles: Roles) -> str:
    user = next(iter(roles.named("user_id")), None)
    if user is not None:
        empty = 1 - user.fill
        without = f", {empty:.0%} of the rows have none and will be quarantined" if empty else ""
        return roles.take("user_id", user, f"the user: {counted(user, roles.sample)}{without}")
    session = next(iter(roles.named("session_id")), None)
    if session is None:
        raise InvalidData(
            f"no column of {roles.sample.path} can be the user or the session; its columns: "
            f"{', '.join(roles.sample.columns)}. Name one of them user_id"
        )
    said = f"the user, since there are sessions and no people: {counted(session, roles.sample)}"
    return roles.take("user_id", session, said)


def _type_column(roles: Roles) -> Column | None:
    """A column named like event types whose values mean some; or one that is named so beyond doubt."""
    named = [column for column in roles.named("type") if len(column.distinct) <= MAX_TYPES]
    known = [column for column in named if any(event_type_of(name) for name in column.distinct)]
    sure = [
        column for column in named if re.search("event|action|behavio|interaction|行为|事件|动作", column.plain)
    ]
    return next(iter(known or sure), None)


def _take_types(roles: Roles, column: Column) -> dict[str, EventType]:
    """What foreign names mean; a name that means nothing known is told, its rows will be quarantined."""
    roles.take("type", column, "the event type")
    types: dict[str, EventType] = {}
    for name, count in Counter(column.texts).most_common():
        ours = event_type_of(name)
        if ours is None:
            roles.said.append(
                f"I do not know the event type {name!r} ({count:,} rows): they will be quarantined unless "
                f'[data.events.types] has "{name}" = "{nearest_type(name)}" or another type'
            )
        elif name.lower() != ours:
            types[name] = ours
            roles.said.append(f"I took the event type {name!r} as {ours} ({count:,} rows)")
    return types


def _iso_times(roles: Roles) -> Column | None:
    """A column that is times beyond doubt, whatever its name."""
    return next((column for column in roles.free() if column.times and column.times.format == "iso"), None)


def _take_order(roles: Roles) -> str | None:
    """A number that only grows, named as an order or as a time that no calendar knows."""
    column = roles.find("order", Column.is_number) or roles.find("at", Column.is_number)
    if column is None:
        roles.said.append("there is no time and no order: histories are in the order of the file")
        return None
    return roles.take("order", column, "the order of events; there is no time, so nothing is known of ages")


def _only_type(roles: Roles, value: Column | None, *, has_text: bool) -> EventType:
    """The type of all events, by the file's name, then by what is measured, then by what lies beside."""
    words = reversed(plain(PurePath(roles.sample.path).name.split(".")[0]).split("_"))
    hint = next((type_ for word in words if (type_ := event_type_of(word)) is not None), None)
    if value is not None and value.plain in STARS:
        return "review" if has_text else "rating"
    if hint is not None:
        return hint
    if value is not None and value.plain in SECONDS:
        return "view"
    bought = {
        "order_id",
        "orderid",
        "invoice",
        "invoice_no",
        "basket_id",
        "transaction_id",
        "订单号",
        "订单编号",
    }
    if (value is not None and value.plain in UNITS) or bought & {plain(name) for name in roles.sample.columns}:
        return "purchase"
    return "click"


def _value_said(value: Column) -> str:
    kinds = {"stars": STARS, "seconds": SECONDS, "units": UNITS}
    return next((kind for kind, names in kinds.items() if value.plain in names), "the value") + " of the event"
