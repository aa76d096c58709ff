from __future__ import annotations

from datetime import UTC, datetime, timedelta

from zhiyin.data.dataset import build_dataset
from zhiyin.models.base import Run
from zhiyin.models.evergreen import EvergreenRecipe
from zhiyin.recipe import DefaultRecipe
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_dataset
from zhiyin.types import Event, Item

RUN = Run(HashEncoder())
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def test_everybody_counts_once_however_often_and_whenever() -> None:
    events = [Event(f"u{n}", "old", "like", at=NOW - timedelta(days=900 + n)) for n in range(3)]
    events += [Event("u0", "new", "like", at=NOW - timedelta(hours=n)) for n in range(5)]
    events += [Event("u1", "bad", "dislike", at=NOW)]
    data = build_dataset([Item(name) for name in ("old", "new", "bad")], events)
    model = EvergreenRecipe().fit(data, RUN)
    assert model.counts[data.items.rows(["old", "new", "bad"])].tolist() == [3.0, 1.0, 0.0]


def test_where_nothing_has_a_time_it_would_say_what_popular_says() -> None:
    assert set(DefaultRecipe().counted(small_dataset(timed=False), RUN)) == {"popular"}
    assert set(DefaultRecipe().counted(small_dataset(), RUN)) == {"popular", "evergreen"}
