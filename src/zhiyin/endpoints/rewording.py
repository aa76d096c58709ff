"""Back-translation: texts translated by a chat model into another language and back, which are the same things in
other words (Sennrich, Haddow & Birch 2016; Edunov et al. 2018).

What it costs is told before it is sent, and counted before it is spent. Every answer is kept as soon as it is
there. An endpoint that fails, or a budget that ends, ends the sending: what is known by then is what is used.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread

from zhiyin.endpoints.budget import Budget
from zhiyin.endpoints.chat import Chat, Garbled, size_of
from zhiyin.endpoints.endpoint import Patience
from zhiyin.endpoints.fates import Fate, fate_of
from zhiyin.endpoints.languages import language_of
from zhiyin.endpoints.portions import portions, tokens_of
from zhiyin.endpoints.translations import Translations
from zhiyin.errors import EndpointFailed
from zhiyin.progress import Progress

log = logging.getLogger(__name__)

TASK = (
    "Translate each text of the list from {source} into {target}. Say all of it and nothing else: keep numbers, "
    "sizes, names and brands as they are. Answer with a JSON list of as many strings, nothing else."
)
VAIN = 8  # texts one after another that a model makes nothing of, after which it is not asked any more
FRAME = 3  # characters of JSON around a text


@dataclass(frozen=True, slots=True)
class Original:
    """A text, and the language that it is in, as people call it."""

    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Load:
    """How much of it at once, and how patiently."""

    patience: Patience
    batch: int  # texts of a request
    batch_characters: int
    at_once: int  # requests
    price: float | None = None  # of a million tokens, sent or received


@dataclass(frozen=True, slots=True)
class Reworded:
    """What came back."""

    wordings: Mapping[int, tuple[str, ...]]  # by the place of the text
    fates: Mapping[Fate, int]  # of every text by every language
    characters: int = 0  # that were sent for it now; not what was known
    requests: int = 0
    why: str = ""  # it ended before all was asked for

    def told(self) -> str:
        """In a sentence."""
        lost = ", ".join(f"{n:,} {fate}" for fate, n in sorted(self.fates.items()) if fate != "usable" and n)
        return (
            f"texts there and back: {self.fates.get('usable', 0):,} of {sum(self.fates.values()):,} are usable"
            f"{f' ({lost})' if lost else ''}, other wordings of {len(self.wordings):,} items; {self.characters:,} "
            f"characters were sent in {self.requests:,} requests{f'; {self.why}' if self.why else ''}"
        )


@dataclass(frozen=True, slots=True)
class _Journey:
    """Of one text by one language."""

    place: int
    text: str
    own: str
    other: str


_Came = tuple[int, int] | Exception  # texts of a batch, and how many are usable


class Interpreter:
    """A model that translates, and what it said so far; of one run."""

    def __init__(self, chat: Chat, budget: Budget, known: Translations, load: Load) -> None:
        self._chat, self.budget, self._known, self._load = chat, budget, known, load
        self._stopped, self._lock, self._vain, self._why = Event(), Lock(), 0, ""

    def reword(self, originals: Sequence[Original], languages: Sequence[str], progress: Progress) -> Reworded:
        """By each of the languages; all texts by the first before any by the second, in their order. Never raises
        EndpointFailed: `why` tells it."""
        names = list(dict.fromkeys(map(language_of, languages)))
        journeys = [
            _Journey(place, one.text, one.language, other)
            for other in names
            for place, one in enumerate(originals)
            if other != one.language
        ]
        todo = [one for one in journeys if self._back(one) is None]
        try:
            log.warning("%s", self.estimate(todo) if todo else "all translations are known: nothing is sent")
            self._all(todo, progress)
        except EndpointFailed as error:  # nobody can read what was spent
            self._why = str(error)
        return self._outcome(journeys)

    def try_out(self, seconds: float) -> str:
        """One word is translated, once, and kept nowhere: what came of it. Raises EndpointFailed."""
        task, word = TASK.format(source="English", target="French"), ["tea"]
        self.budget.take(size_of(task, word))
        said = self._chat.listed(task, word, Patience(seconds))
        if len(said) != 1:
            raise Garbled(f"{self._chat.model} made {len(said)} texts of one: take another model")
        return said[0]

    def estimate(self, todo: Sequence[_Journey]) -> str:
        """What these would send, and what may be sent. What is sent back is about as long."""
        there = [one for one in todo if self._there(one) is None]
        away = [(one, one.text) for one in there]
        home = [(one, self._there(one) or one.text) for one in todo]
        texts = [text for _, text in (*away, *home)]
        requests = sum(len(list(self._batches([one for one, _ in leg]))) for leg in (away, home))
        characters = sum(len(text) + FRAME for text in texts) + requests * len(TASK)
        tokens = 2 * sum(map(tokens_of, texts)) + requests * tokens_of(TASK)
        price, left = self._load.price, self.budget.left
        cost = "" if price is None else f", about {tokens * price / 1e6:.2g} at your price"
        short = "; the budget ends before that" if characters > left else ""
        n, through = len({one.place for one in todo}), ", ".join(dict.fromkeys(one.other for one in todo))
        return (
            f"{n:,} texts go to {self._chat.endpoint.url} and back by {through}: about {characters:,} characters "
            f"in {requests:,} requests (about {tokens:,} tokens, sent and received{cost}); {left:,} characters "
            f"may be sent{short}"
        )

    def _all(self, todo: Sequence[_Journey], progress: Progress) -> None:
        """Side by side, until one fails; what is under way then is waited for, but not by who interrupts."""
        waiting, back, done = SimpleQueue[list[_Journey]](), SimpleQueue[_Came](), 0
        for batch in (batches := list(self._batches(todo))):
            waiting.put(batch)
        workers = [
            Thread(target=self._work, args=(waiting, back), daemon=True)
            for _ in range(min(self._load.at_once, len(batches)))
        ]
        progress.start("translating texts there and back", len(todo))
        try:
            for worker in workers:
                worker.start()
            for _ in batches:
                came = back.get()
                if isinstance(came, EndpointFailed):
                    break
                if isinstance(came, Exception):
                    raise came
                done += came[0]
                progress.advance(done, f"{came[1]} of the last {came[0]} usable")
            for worker in workers:
                worker.join()
        finally:
            self._stopped.set()
            progress.done()

    def _work(self, waiting: SimpleQueue[list[_Journey]], back: SimpleQueue[_Came]) -> None:
        """One batch after another, until there is none, or something failed anywhere."""
        while not (self._stopped.is_set() or waiting.empty()):
            try:
                batch = waiting.get_nowait()
                back.put((len(batch), self._travel(batch)))
            except Empty:  # another was faster
                return
            except EndpointFailed as error:
                with self._lock:
                    self._why = self._why or str(error)
                self._stopped.set()
                back.put(error)
            except Exception as error:  # noqa: BLE001  # who waits raises it
                self._stopped.set()
                back.put(error)

    def _batches(self, todo: Sequence[_Journey]) -> Iterator[list[_Journey]]:
        """Of one pair of languages each."""
        pairs: dict[tuple[str, str], list[_Journey]] = defaultdict(list)
        for one in todo:
            pairs[one.own, one.other].append(one)
        for some in pairs.values():
            sizes = [len(one.text) for one in some]
            for places in portions(sizes, self._load.batch, self._load.batch_characters):
                yield [some[place] for place in places]

    def _travel(self, batch: Sequence[_Journey]) -> int:
        """There and back; how many are usable."""
        own, other = batch[0].own, batch[0].other
        self._translate([one.text for one in batch], own, other)
        self._translate([there for one in batch if (there := self._there(one))], other, own)
        return sum(self._fate(one) == "usable" for one in batch)

    def _translate(self, texts: Sequence[str], source: str, target: str) -> None:
        missing = [one for one in dict.fromkeys(texts) if self._said(one, source, target) is None]
        if missing:
            self._ask(missing, source, target)

    def _ask(self, texts: Sequence[str], source: str, target: str) -> None:
        """Translations of all of them are known after that. One by one where they come back as no list of as many:
        the model may have lost one, or said too much about it."""
        if self._stopped.is_set():
            raise EndpointFailed("another request failed")
        task = TASK.format(source=source, target=target)
        self.budget.take(size_of(task, texts))
        try:
            said = self._chat.listed(task, texts, self._load.patience)
        except Garbled:
            said = []
        if len(said) == len(texts):
            self._keep(texts, said, source, target)
        elif len(texts) > 1:
            for text in texts:
                self._ask([text], source, target)
        else:
            self._in_vain()
            self._keep(texts, [""], source, target)

    def _keep(self, texts: Sequence[str], said: Sequence[str], source: str, target: str) -> None:
        self._known.put(
            {self._key(text, source, target): one.strip() for text, one in zip(texts, said, strict=True)}
        )
        if any(said):
            with self._lock:
                self._vain = 0

    def _in_vain(self) -> None:
        with self._lock:
            self._vain += 1
            if self._vain >= VAIN:
                raise EndpointFailed(
                    f"{self._chat.model} answered {self._vain} times in a row with no list of translations: take "
                    f"another {self._chat.endpoint.named.setting('model')}"
                )

    def _outcome(self, journeys: Sequence[_Journey]) -> Reworded:
        wordings: dict[int, tuple[str, ...]] = {}
        fates: Counter[Fate] = Counter()
        for one in journeys:
            fate, back = self._fate(one), self._back(one) or ""
            fates[fate] += 1
            if fate == "usable" and back not in wordings.get(one.place, ()):
                wordings[one.place] = (*wordings.get(one.place, ()), back)
        return Reworded(wordings, dict(fates), self.budget.run.characters, self.budget.run.requests, self._why)

    def _fate(self, one: _Journey) -> Fate:
        back = self._back(one)
        return "not asked" if back is None else fate_of(one.text, self._there(one) or "", back)

    def _there(self, one: _Journey) -> str | None:
        return self._said(one.text, one.own, one.other)

    def _back(self, one: _Journey) -> str | None:
        """None where it was not asked for yet."""
        there = self._there(one)
        return self._said(there, one.other, one.own) if there else there

    def _said(self, text: str, source: str, target: str) -> str | None:
        return self._known.get(self._key(text, source, target))

    def _key(self, text: str, source: str, target: str) -> str:
        """Of all that an answer depends on."""
        chat = self._chat
        told = "\n".join(
            (
                chat.endpoint.url,
                chat.model,
                repr(chat.temperature),
                TASK.format(source=source, target=target),
                text,
            )
        )
        return hashlib.sha256(told.encode()).hexdigest()[:32]
