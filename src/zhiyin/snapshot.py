"""A snapshot: the bundle, and the catalogue as of a position in its log.

Rows are the bundle's, then items that came later. Items are read one by one, and scored through their text
neighbours as the bundle knows those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from zhiyin.bundle import Bundle
from zhiyin.data.columns import availability, publication_days, read_of, with_values
from zhiyin.data.cycles import uncollected
from zhiyin.data.dataset import Doubles, Floats, Mask
from zhiyin.data.store.protocols import Store
from zhiyin.data.vocabulary import PAD, Rows, Vocabulary
from zhiyin.encoders.base import encode_items
from zhiyin.encoders.remembering import Remembering
from zhiyin.errors import BrokenBundle
from zhiyin.models.base import Arrivals, Model, best
from zhiyin.models.clicks import Clicks
from zhiyin.models.context import Context
from zhiyin.models.factors import Factors
from zhiyin.models.graph import Graph
from zhiyin.models.meaning import Meaning
from zhiyin.models.neighbours import Neighbours
from zhiyin.models.popular import Popular
from zhiyin.models.propagation import have_text, neighbours_one_by_one
from zhiyin.models.quality import Quality
from zhiyin.models.reader import Reader
from zhiyin.models.sequence import Sequence as SequenceChannel
from zhiyin.models.vectors import Vectors
from zhiyin.models.words import Words
from zhiyin.outcomes import Beliefs
from zhiyin.ranking.fusion import Fusion
from zhiyin.types import AsOf, Item

LATEST = 500  # items


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything but the person: rows are the bundle's, then items that came later."""

    bundle: Bundle
    vocabulary: Vocabulary
    items: Sequence[Item | None]  # by row; None where an item was deleted
    available: Mask  # by row
    published: Doubles  # by row: days since 1970 of publication, -inf where unknown
    models: dict[str, Model]
    fusion: Fusion
    as_of: AsOf
    trends_of: int  # events folded into `popular`
    strangers: Mapping[str, float]  # counts of the same trends for items that are not there yet
    fitted: Sequence[Item | None]  # by the bundle's row, as it read them
    beliefs: Beliefs | None = None  # what came of what was shown, where the bundle knows how to read that

    @property
    def vectors(self) -> Floats:
        """(I, dim) unit rows of what was read."""
        return readers(self.models)[1].vectors

    @property
    def latest(self) -> Rows:
        """The newest LATEST available items that have a date of publication."""
        dated = np.flatnonzero(np.isfinite(self.published) & self.available)
        return best(self.published[dated], LATEST, dated)

    def passing(self, test: Callable[[Item], bool]) -> Mask:
        """(I,) which items are there and pass."""
        return np.fromiter((item is not None and test(item) for item in self.items), bool, len(self.items))


def first_snapshot(bundle: Bundle, store: Store) -> Snapshot:
    """The bundle's rows with the catalogue as it was when the bundle was made."""
    story = bundle.manifest.data
    with uncollected():
        then = {change.item_id: change.item for change in store.newest_changes(until=story.last_item)}
    items = [then.get(id_) for id_ in bundle.items]
    return Snapshot(
        bundle=bundle,
        vocabulary=bundle.items,
        items=items,
        available=availability(items),
        published=publication_days(items),
        models=_remembering(bundle.fitted.models),
        fusion=bundle.fitted.fusion,
        as_of=AsOf(0, story.last_item),
        trends_of=story.last_event,
        strangers={},
        fitted=items,
        beliefs=_first_beliefs(bundle, items),
    )


def _first_beliefs(bundle: Bundle, items: Sequence[Item | None]) -> Beliefs | None:
    model, (_, meaning) = bundle.fitted.belief, readers(bundle.fitted.models)
    return None if model is None else Beliefs.first(model, meaning.vectors, items)


def _remembering(models: Mapping[str, Model]) -> dict[str, Model]:
    """The models that read while somebody waits with one encoder that remembers what it read last; others as they
    are."""
    encoder = Remembering(readers(models)[1].encoder)
    return {
        name: replace(model, encoder=encoder) if isinstance(model, Meaning | Clicks) else model
        for name, model in models.items()
    }


def changed(snapshot: Snapshot, newest: Mapping[str, Item | None]) -> Snapshot:
    """The snapshot with these items new, replaced or deleted. What was deleted keeps its row and no text, also
    when it was never here in between: rows are numbered by first mention in the log."""
    items, touched = list(snapshot.items), list[int]()
    arrived: list[Item] = []
    reworded: dict[int, Item] = {}
    for item_id, item in newest.items():
        row = snapshot.vocabulary.row(item_id)
        told = item or Item(item_id)
        if row == PAD:
            items.append(item)
            arrived.append(told)
            continue
        before, items[row] = items[row] or Item(item_id), item
        touched.append(row)
        if read_of(before) != read_of(told):
            reworded[row] = told
    if reworded:
        snapshot = _reworded(snapshot, reworded)
    if arrived:
        snapshot = _extended(snapshot, arrived)
    changed = [*touched, *range(len(snapshot.available), len(items))]
    return replace(
        snapshot,
        items=items,
        available=with_values(snapshot.available, changed, availability([items[row] for row in changed])),
        published=with_values(snapshot.published, changed, publication_days([items[row] for row in changed])),
    )


def _extended(snapshot: Snapshot, arrived: Sequence[Item]) -> Snapshot:
    """Rows for new items: the readers read them, the others lend them their text neighbours' scores."""
    arrivals = _arrivals(snapshot, arrived)
    _, meaning = readers(snapshot.models)
    meaning = meaning.extended(arrivals)
    models: dict[str, Model] = {}
    for name, model in snapshot.models.items():
        if isinstance(model, Meaning | Quality):  # one reading for both
            models[name] = meaning if isinstance(model, Meaning) else model.beside(meaning)
        else:
            models[name] = model.extended(arrivals)
    later = np.arange(snapshot.fusion.n_items, meaning.n_items, dtype=np.int32)
    strangers, popular = dict(snapshot.strangers), models.get("popular")
    if isinstance(popular, Popular):
        counts = popular.counts.copy()
        counts[-len(arrived) :] = [strangers.pop(item.item_id, 0.0) for item in arrived]
        models["popular"] = replace(popular, counts=counts)
    return replace(
        snapshot,
        vocabulary=snapshot.vocabulary.extended(item.item_id for item in arrived),
        models=models,
        fusion=snapshot.fusion.extended(have_text(*readers(models), later)),
        strangers=strangers,
        beliefs=snapshot.beliefs and snapshot.beliefs.extended(meaning.vectors[-len(arrived) :], arrived),
    )


def _arrivals(snapshot: Snapshot, arrived: Sequence[Item]) -> Arrivals:
    """What the channels need of items that the bundle does not know; `near` as the bundle read its own."""
    words, meaning = readers(snapshot.bundle.fitted.models)
    n = len(snapshot.bundle.items)
    vectors = meaning.joined(np.concatenate([encode_items(meaning.encoder, [item]) for item in arrived]))
    blind = Arrivals(arrived, vectors, near=sp.csr_array((len(arrived), n), dtype=np.float32))
    words, meaning = words.extended(blind), meaning.extended(blind)
    later = np.arange(n, n + len(arrived), dtype=np.int32)
    warm = np.flatnonzero(~snapshot.fusion.cold).astype(np.int32)
    if not len(warm):  # of a zero-shot bundle, whose items are all as good as each other
        warm = np.arange(n, dtype=np.int32)
    return replace(blind, near=neighbours_one_by_one(words, meaning, later, warm, n))


def _reworded(snapshot: Snapshot, reworded: Mapping[int, Item]) -> Snapshot:
    """The same rows with new texts; those that the bundle does not know get new neighbours too."""
    rows, items = np.fromiter(reworded, np.int32), list(reworded.values())
    arrivals = _arrivals(snapshot, items)
    words, meaning = readers(snapshot.models)
    words, meaning = words.reworded(rows, items), meaning.reworded(rows, arrivals.vectors)
    again = _as_fitted(snapshot, reworded)
    origin = snapshot.bundle.fitted.models
    meaning = meaning.with_rows_of(readers(origin)[1], again)
    models: dict[str, Model] = {**snapshot.models, "words": words, "meaning": meaning}
    later = rows >= len(snapshot.bundle.items)
    for name, model in models.items():
        if isinstance(model, Quality):
            models[name] = model.beside(meaning)
        if isinstance(model, Vectors | Reader | Clicks):
            models[name] = model.read_again(rows, arrivals).with_rows_of(origin[name], again)
        if isinstance(model, SequenceChannel) and later.any():
            models[name] = model.read_again(rows[later], arrivals.vectors[later])
        if isinstance(model, Neighbours | Factors | Graph | Context) and later.any():
            models[name] = model.borrowed_again(rows[later], arrivals.near[later])
    beliefs = snapshot.beliefs and snapshot.beliefs.reworded(rows, meaning.vectors[rows], items)
    fusion = snapshot.fusion.reworded(rows, have_text(words, meaning, rows))
    return replace(snapshot, models=models, fusion=fusion, beliefs=beliefs)


def _as_fitted(snapshot: Snapshot, reworded: Mapping[int, Item]) -> Rows:
    """Of these rows those that say again what the bundle read: it read them together, which differs in the last
    bit."""
    n = len(snapshot.fitted)
    back = [row for row, item in reworded.items() if row < n and read_of(_told(snapshot, row)) == read_of(item)]
    return np.array(back, np.int32)


def _told(snapshot: Snapshot, row: int) -> Item:
    return snapshot.fitted[row] or Item(snapshot.vocabulary[row])


def readers(models: Mapping[str, Model]) -> tuple[Words, Meaning]:
    words, meaning = models["words"], models["meaning"]
    if not (isinstance(words, Words) and isinstance(meaning, Meaning)):
        raise BrokenBundle(
            "a bundle needs the channels words and meaning: take them out of recipe.off, train again"
        )
    return words, meaning
