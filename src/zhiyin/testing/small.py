"""A small world in which every channel has something to learn: three themes, people who love one each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.types import Event, EventType, Item, Relation, Translation

START = datetime(2026, 1, 1, tzinfo=UTC)
THEMES = {
    "garden": ("spade rake seed pot hose lamp bench fern", "花园"),
    "kitchen": ("knife pan whisk bowl oven kettle plate spoon", "厨房"),
    "music": ("piano violin drum flute harp cello guitar song", "音乐"),
}
SILENT = "silent"  # an item without any text
BRANDS = ("Acorn", "Birch", None)


def small_catalogue() -> list[Item]:
    """24 items in three themes, and one without any text; the last two of each theme nobody has touched."""
    items = [Item(SILENT)]
    for theme, (nouns, chinese) in THEMES.items():
        for number, noun in enumerate(nouns.split()):
            items.append(
                Item(
                    f"{theme}/{noun}",
                    title=f"{noun} for the {theme}",
                    text=f"A {noun} that everybody who loves the {theme} wants to have.",
                    categories=(theme, "sale") if number % 4 == 0 else (theme,),
                    brand=BRANDS[number % 3],
                    attributes={"number": number, "noun": noun},
                    price=10.0 * (number + 1),
                    translations={"zh": Translation(chinese, f"{chinese} {noun}")} if number < 3 else {},
                    published_at=START - timedelta(days=number) if number < 6 else None,
                )
            )
    return items


def small_events(n_users: int = 30, seed: int = 5, *, timed: bool = True) -> list[Event]:
    """Each person takes 3 to 6 items of one theme, and one of another; ratings, clicks, repeats, dislikes.
    Without `timed` the events have neither time nor order: histories are sets."""
    rng = np.random.default_rng(seed)
    themes = list(THEMES)
    events = []
    for user in range(n_users):
        favourite = themes[user % 3]
        other = themes[(user + 1 + user % 2) % 3]
        taken = [_taken(rng, favourite) for _ in range(int(rng.integers(3, 7)))] + [_taken(rng, other)]
        for place, item_id in enumerate(taken):
            type_, value = _said(rng, item_id.startswith(favourite))
            at = START + timedelta(days=user % 7, hours=place) if timed else None
            events.append(Event(f"user {user}", item_id, type_, at=at, value=value, event_id=f"{user}-{place}"))
    return events


def by_user(events: list[Event]) -> dict[str, list[Event]]:
    """The events of each, in the order of the list."""
    found: dict[str, list[Event]] = {}
    for event in events:
        found.setdefault(event.user_id, []).append(event)
    return found


def small_relations() -> list[Relation]:
    """Makers within a theme, their towns, and a thing that goes with the next of its theme."""
    edges = [Relation("maker 0", "works_in", "Oslo"), Relation("maker 1", "works_in", "Oslo")]
    for number, (theme, (nouns, _)) in enumerate(THEMES.items()):
        ids = [f"{theme}/{noun}" for noun in nouns.split()]
        edges += [Relation(id_, "made_by", f"maker {number + 3 * (place % 2)}") for place, id_ in enumerate(ids)]
        edges += [Relation(one, "goes_with", other) for one, other in zip(ids[::2], ids[1::2], strict=True)]
    return edges


def small_pictures(name: str = "image") -> list[Item]:
    """The small catalogue with a vector of 6 numbers for each item, which tells its theme and a little of itself;
    every fourth item has none."""
    rng = np.random.default_rng(7)
    themes = dict(zip(THEMES, np.eye(6)[:3], strict=True))
    pictured = []
    for place, item in enumerate(small_catalogue()):
        vector = themes.get(item.item_id.partition("/")[0], np.zeros(6)) + 0.1 * rng.normal(size=6)
        pictured.append(item if place % 4 == 0 else replace(item, vectors={name: tuple(vector.tolist())}))
    return pictured


def small_dataset(*, timed: bool = True, seed: int = 5) -> Dataset:
    return build_dataset(small_catalogue(), small_events(seed=seed, timed=timed))


def _taken(rng: np.random.Generator, theme: str) -> str:
    nouns = THEMES[theme][0].split()[:-2]
    return f"{theme}/{nouns[int(min(rng.geometric(0.35) - 1, len(nouns) - 1))]}"


def _said(rng: np.random.Generator, liked: bool) -> tuple[EventType, float | None]:
    if not liked and rng.random() < 0.5:
        return "dislike", None
    draw = rng.random()
    if draw < 0.4:
        return "rating", float(rng.integers(3, 6))
    return ("purchase", None) if draw < 0.7 else ("click", None)
