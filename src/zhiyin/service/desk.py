"""The desk behind the handlers: asks the shop off the event loop, has it logged, and says it.

Answers are made from folds that a keeper refreshes beside them once a second, so that neither a new bundle
nor a first one makes anybody wait behind a lock. What the logs hold is folded in by every answer itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import perf_counter
from typing import TypeVar

from fastapi import Response

from zhiyin.errors import NotFound
from zhiyin.live import Live
from zhiyin.recommender import Recommender
from zhiyin.service import answers
from zhiyin.service.bodies import Ranking
from zhiyin.service.meters import Meters
from zhiyin.service.problems import Overloaded
from zhiyin.service.writer import Writer
from zhiyin.shop import Zhiyin, new_id
from zhiyin.snapshot import Snapshot
from zhiyin.types import Event, Item, Query, Recommendation

logger = logging.getLogger(__name__)

T = TypeVar("T")

ANSWERING = 1  # threads that make lists: two were slower (they share one interpreter), none (on the event loop)
# slower still, since then nobody is read from and nothing is written meanwhile
LISTENING = 8  # threads that wait for an endpoint to read what was typed
ASIDE = 2  # threads for everything else that takes a while
MOST_ASKING = 256  # requests under way
LOOK_EVERY = 1.0  # seconds between two looks for a new publication
OPENS_WITHIN = 10.0  # seconds that a request waits for the first bundle to be loaded
READY_WITHIN = 5.0  # seconds in which a store that can be written to has been


@dataclass(frozen=True, slots=True)
class Serving:
    """What answers are made from."""

    live: Live
    recommender: Recommender


class Desk:
    """One service. `open` before the first request, `close` after the last."""

    def __init__(self, shop: Zhiyin, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.shop, self.clock = shop, clock
        self.writer = Writer(shop.store)
        self.meters = Meters(lambda: self.writer.waiting)
        self._answering = ThreadPoolExecutor(ANSWERING, thread_name_prefix="zhiyin-answer")
        self._aside = ThreadPoolExecutor(ASIDE, thread_name_prefix="zhiyin-aside")
        self._listening = ThreadPoolExecutor(LISTENING, thread_name_prefix="zhiyin-listen")
        self._serving: Serving | None = None
        self._trouble = "the shop is being opened"
        self._asking = 0
        self._keeper: asyncio.Task[None] | None = None
        self._looking = asyncio.Lock()
        self._looked = asyncio.Event()  # once, whatever was found
        self.opened = asyncio.Event()  # there is something to serve

    async def open(self) -> None:
        """Start looking for what to serve; `ready` says when there is something."""
        self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Finish what is under way: everything accepted is written."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self.writer.close()
        self._answering.shutdown()
        self._aside.shutdown()
        self._listening.shutdown()

    # -- lists

    async def recommend(self, query: Query) -> Response:
        """The list for a query, in the log before it is returned."""
        serving = await self._listened(query)
        return await self._answer(lambda: serving.recommender.recommend(query, new_id(), self.clock()))

    async def similar(self, query: Query) -> Response:
        """Raises NotFound unless the catalogue has the item."""
        await self.item(query.like[0])
        return await self.recommend(query)

    async def order(self, ranking: Ranking) -> Response:
        """Given items in order, logged like a list."""
        recommender = (await self._listened(ranking.query)).recommender
        query = replace(ranking.query, n=len(ranking.item_ids))
        return await self._answer(lambda: recommender.order(query, ranking.item_ids, new_id(), self.clock()))

    # -- what happens

    async def append(self, events: Sequence[Event]) -> answers.Stored:
        """Events, durable. One that does not say when it happened happens now, and so does one of the future: a
        visitor's clock is often wrong, and the newest event says how old all others are."""
        now = self.clock()
        dated = [_dated(event, now) for event in events]
        named = dict.fromkeys(event.item_id for event in events if event.item_id is not None)
        unknown = await self._unknown(list(named))  # first: once stored, nothing may fail any more
        appended = await self.writer.append(dated)
        self.meters.appended(appended)
        return answers.Stored(appended.stored, appended.duplicates, tuple(unknown))

    async def put(self, items: Sequence[Item]) -> answers.Changed:
        """Items into the catalogue, durable."""
        changed = await self.writer.act(lambda: self.shop.put_items(items))
        self.meters.changed(changed)
        return answers.Changed(changed, len(items) - changed)

    async def item(self, item_id: str) -> Item:
        """An item of the catalogue as it is now. Raises NotFound."""
        return await self.aside(lambda: self.shop.item(item_id))

    async def delete_item(self, item_id: str) -> None:
        """Raises NotFound."""
        if not (changed := await self.writer.act(lambda: self.shop.store.delete_items([item_id]))):
            raise NotFound(f"no item {item_id!r} in the catalogue: nothing was deleted")
        self.meters.changed(changed)

    # -- the state of things

    @property
    def serving(self) -> Serving:
        """Raises Overloaded while there is none."""
        if self._serving is None:
            raise Overloaded(f"no list can be made yet: {self._trouble}; GET /readyz says when")
        return self._serving

    async def world(self) -> Snapshot:
        """The catalogue and trends as of now."""
        return await self.aside((await self.open_now()).live.snapshot)

    async def open_now(self) -> Serving:
        """What is served; who comes while a process starts waits a little. Raises Overloaded."""
        if self._serving is None:
            with self._asked(), suppress(TimeoutError):
                async with asyncio.timeout(OPENS_WITHIN):
                    await self._looked.wait()
        return self.serving

    async def ready(self) -> answers.Health:
        """Raises Overloaded unless a bundle is live and the store takes a write."""
        bundle = self.serving.live.folded.bundle
        write = asyncio.wait_for(self.writer.act(lambda: self.shop.store.log(())), READY_WITHIN)
        (failed,) = await asyncio.gather(write, return_exceptions=True)
        if failed is not None:
            logger.warning("the store cannot be written", exc_info=failed)
            raise Overloaded("the store cannot be written: see the log of the service")
        return answers.Health("ready", bundle.name, bundle.manifest.mode)

    async def aside(self, act: Callable[[], T]) -> T:
        """Do something off the event loop, beside the lists."""
        return await self._in(self._aside, act)

    async def _in(self, threads: Executor, act: Callable[[], T]) -> T:
        with self._asked():
            return await asyncio.get_running_loop().run_in_executor(threads, act)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Raises Overloaded if too many wait already."""
        if self._asking >= MOST_ASKING:
            raise Overloaded(f"{self._asking} requests are under way: send it again in a second")
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1

    async def _listened(self, query: Query) -> Serving:
        """What to answer from, once an endpoint has read what was typed: ahead, or other lists would wait, too."""
        serving = await self.open_now()
        if query.text and serving.live.listens:
            live, text = serving.live, query.text
            await self._in(self._listening, lambda: live.reading(live.folded, text))
        return serving

    async def _answer(self, make: Callable[[], Recommendation]) -> Response:
        start = perf_counter()
        shown = await self._in(self._answering, make)
        await self.writer.log(shown)
        self.meters.shown(shown)
        world = self.serving.live.folded
        return answers.json(answers.answer(shown, world, (perf_counter() - start) * 1e3))

    async def _unknown(self, item_ids: Sequence[str]) -> Sequence[str]:
        """Those not in the catalogue; what the folds do not know yet is folded in first."""
        if self._serving is None:
            return await self.aside(lambda: [id_ for id_ in item_ids if self.shop.store.item(id_) is None])
        unknown = answers.unknown_in(self._serving.live.folded, item_ids)
        return answers.unknown_in(await self.world(), unknown) if unknown else []

    async def look(self) -> None:
        """Serve what is published now, from fresh folds where they were forgotten."""
        async with self._looking:  # or an older one might come last
            (found,) = await asyncio.gather(asyncio.to_thread(self._look), return_exceptions=True)
        if isinstance(found, Serving):
            self._serving = found
            self.opened.set()
        else:
            self._trouble = "what is published cannot be loaded, see the log of the service"
            logger.error("no bundle could be loaded", exc_info=found)
        self._looked.set()

    async def _keep(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY)

    def _look(self) -> Serving:
        live = self.shop.live()
        live.snapshot()
        self.shop.warm_up()
        return Serving(live, self.shop.recommender(live))


def _dated(event: Event, now: datetime) -> Event:
    event = event.dated(now)
    return replace(event, at=now) if event.at is not None and event.at > now else event
