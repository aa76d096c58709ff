"""Histories short enough to count on paper: one letter an item, an upper-case letter a dislike."""

from datetime import UTC, datetime, timedelta

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.models.neighbours import Neighbours
from zhiyin.types import Event, Item

START = datetime(2026, 1, 1, tzinfo=UTC)


def sequences(*histories: str, timed: bool = True, letters: str = "abcd") -> Dataset:
    """One person a history, one minute an event."""
    events = [
        Event(
            f"u{user}",
            letter.lower(),
            "dislike" if letter.isupper() else "like",
            at=START + timedelta(minutes=place) if timed else None,
            event_id=f"{user} {place}",
        )
        for user, history in enumerate(histories)
        for place, letter in enumerate(history)
    ]
    return build_dataset([Item(letter) for letter in letters], events)


def link(data: Dataset, model: Neighbours, earlier: str, later: str) -> float:
    """What one item says about another."""
    return float(model.links[[data.items.row(earlier)]].toarray()[0, data.items.row(later)])
