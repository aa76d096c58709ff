"""What is in the store of a shop, as a dataset; the texts of the catalogue are read meanwhile where that is asked.

To read events is the work of one core, to read texts that of processes of their own: so a thread counts the events
while this one waits for the texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.data.shown import MOST, Shown
from zhiyin.encoders.base import Encoder, encode_items
from zhiyin.errors import InvalidData
from zhiyin.progress import Progress, Silent
from zhiyin.shop import Zhiyin
from zhiyin.types import LATEST, SIMILAR, TRENDING, AsOf, Event, Item, Recommendation

TOLD_EVERY = 20_000  # events between two reports of progress
GLANCE = 0.2  # seconds between two looks at how far another thread is


def shop_data(shop: Zhiyin, *, lists: bool = False, encoder: Encoder | None = None) -> tuple[Dataset, AsOf]:
    """All of the store as a dataset, with the `lists` that were shown where they are learned from, and its
    position. `encoder`: the one that keeps what it reads of the catalogue meanwhile. Raises InvalidData if there
    are no items."""
    as_of, catalogue = shop.store.position(), list(shop.store.items())
    if not catalogue:
        raise InvalidData("the catalogue is empty, so there is nothing to recommend: zhiyin import brings items")

    def read(progress: Progress, goes_on: Callable[[], bool]) -> Dataset:
        earned = dict[tuple[str, str], float]()
        told = _told(shop, as_of.event, progress, goes_on)
        data = build_dataset(
            catalogue,
            _earning(told, shop, earned) if lists else told,
            relations=shop.store.relations(),
            signals=shop.settings.data.signals,
            last_event=as_of.event,
            time_zone=shop.settings.data.time_zone,
        )
        if lists and earned:
            data = replace(data, shown=Shown.of(_lists(shop), earned, data.items, data.users))
        return data

    if encoder is None:
        return read(shop.progress, lambda: True), as_of
    return _meanwhile(read, catalogue, encoder, shop.progress), as_of


@dataclass(slots=True)
class _Far(Silent):
    """How far a thread is."""

    total: float = 0.0
    at: float = 0.0
    wanted: bool = True  # whether it shall go on

    def start(self, title: str, total: float) -> None:
        self.total = total

    def advance(self, done: float, note: str = "") -> None:
        self.at = done


def _meanwhile(
    read: Callable[[Progress, Callable[[], bool]], Dataset],
    catalogue: Sequence[Item],
    encoder: Encoder,
    progress: Progress,
) -> Dataset:
    """The dataset, read by a thread while the texts are read here. Whatever ends this ends the thread."""
    far = _Far()
    with ThreadPoolExecutor(1) as thread:
        reading: Future[Dataset] = thread.submit(read, far, lambda: far.wanted)
        try:
            encode_items(encoder, catalogue)
            progress.start("reading events", far.total)
            while not wait([reading], GLANCE).done:
                progress.advance(far.at)
            progress.done()
        finally:
            far.wanted = False
    return reading.result()


def _told(shop: Zhiyin, last: int, progress: Progress, goes_on: Callable[[], bool]) -> Iterator[Event]:
    """The events up to the `last`, as long as it `goes_on`."""
    progress.start("reading events", last)
    for seq, event in shop.store.events(until=last):
        if seq % TOLD_EVERY == 0:
            progress.advance(seq)
            if not goes_on():
                return
        yield event
    progress.done()


def _earning(events: Iterator[Event], shop: Zhiyin, earned: dict[tuple[str, str], float]) -> Iterator[Event]:
    """The same events; what was done with an item of a list is put into `earned`, the most of it."""
    for event in events:
        if event.recommendation_id is not None and event.item_id is not None:
            answer = event.recommendation_id, event.item_id
            weight = shop.settings.data.signals.weight(event.type, event.value)
            if weight > 0:
                earned[answer] = max(weight, earned.get(answer, 0.0))
        yield event


def _lists(shop: Zhiyin) -> Iterator[tuple[str, Recommendation]]:
    """The newest lists for somebody by their past, oldest first, each with the person behind the id."""
    for one in reversed(shop.store.recent(limit=MOST)):
        if one.query.user_id is not None and one.query.scenario not in (SIMILAR, TRENDING, LATEST):
            yield shop.store.resolve(one.query.user_id), one
