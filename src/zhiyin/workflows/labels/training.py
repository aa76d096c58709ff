"""`zhiyin label train`: from labelled texts to a model in use, with what it is worth."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from time import perf_counter
from typing import Any

from zhiyin.encoders.base import Encoder
from zhiyin.encoders.cache import CachedEncoder
from zhiyin.errors import InvalidData
from zhiyin.labels.examples import Example, Labelled, prepare
from zhiyin.labels.fitting import Way, fit
from zhiyin.labels.model import GRAMS, grams_of, read_texts
from zhiyin.labels.report import Report, report
from zhiyin.labels.shelf import Kept, find, keep, names
from zhiyin.labels.unlabelled import Gained
from zhiyin.settings import LabelSettings
from zhiyin.shop import LABELS, Zhiyin
from zhiyin.types import check_label_name
from zhiyin.workflows.labels.reading import Columns, item_text, newest, of_file, of_items, read_file
from zhiyin.workflows.labels.tower import teach

MOST = 20_000  # texts without labels


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be learned from, and by what. `attribute`: of the items, beside what the store holds."""

    texts: Path | None = None
    columns: Columns = field(default_factory=Columns)
    attribute: str | None = None
    seed: int = 0
    tower: str | None = None  # a language model that learns, too
    minutes: float = 30.0  # that it may take
    unlabelled: Path | None = None  # texts without labels to learn from, too
    items: bool = False  # so are the items of the catalogue


@dataclass(frozen=True, slots=True)
class Made:
    """How a model came about."""

    attribute: str | None
    at: datetime
    seed: int
    gained: Gained | None  # by texts without labels


@dataclass(frozen=True, slots=True)
class Learned:
    """A label model that is in use now."""

    kept: Kept
    report: Report
    n_new: int  # examples that were not in the store before
    notes: tuple[str, ...]
    seconds: float

    def sentences(self) -> list[str]:
        """What it was learned from, what reads, and what it is worth."""
        data = self.kept.about["data"]
        return [
            *self.notes,
            f"label model {self.kept.name} ({self.kept.digest[:12]}) is in use: {data['n_texts']:,} texts, "
            f"{data['n_labels']:,} labels, learned in {self.seconds:.0f} s",
            heads_told(self.kept.about["classifier"]),
            *self.report.sentences(),
        ]


def heads_told(page: Mapping[str, Any]) -> str:
    """What reads, in words, of what a classifier's page says."""
    told = ", ".join(f"{kind} over {view} (weight {weight:.2f})" for view, kind, _, weight in page["parts"])
    bent = "; probabilities bent by isotonic regression" if page.get("bent") else ""
    return f"heads chosen by held-out examples: {told}{bent}"


def train_labels(shop: Zhiyin, name: str, asked: Asked, at: datetime) -> Learned:
    """Bring the texts of a file into the store, learn from all examples there are, and take the model into use.

    Raises NotFound or InvalidData for a file or examples that cannot be learned from; then nothing changes but
    what the store holds.
    """
    began = perf_counter()
    check_label_name(name)
    settings = shop.settings.labels.get(name, LabelSettings())
    n_new, notes = _brought(shop, name, asked, at)
    attribute = asked.attribute or _before(shop, name).get("attribute")
    data = examples_of(shop, name, attribute)
    more = _more_texts(shop, asked, data)
    readers = {view: _cached(shop, view) for view in settings.encoders or (shop.settings.encoder.model,)}
    taught = teach(shop, name, asked.tower, data, asked.seed, asked.minutes) if asked.tower else None
    if taught is not None:
        readers[taught.view] = _cached(shop, taught.view)
        notes.append(taught.note)
    grams = grams_of(data.texts, len(data.names))
    way = Way(asked.seed, settings.missed, taught.held if taught is not None else None)
    read, read_more = (read_texts(texts, readers, grams) if texts else None for texts in (data.texts, more))
    fitted = fit(data, read or {}, way, more=read_more, progress=shop.progress)
    if fitted.gained is not None:
        notes.append(fitted.gained.sentence())
    found = report(fitted.classifier, fitted.held_out, data.truth[fitted.checked])
    about = _about(data, readers, found, Made(attribute, at, asked.seed, fitted.gained))
    used = grams if GRAMS in fitted.classifier.views else None
    kept = keep(shop.settings.path(LABELS), name, fitted.classifier, used, about)
    return Learned(kept, found, n_new, (*notes, *data.notes), perf_counter() - began)


def _more_texts(shop: Zhiyin, asked: Asked, data: Labelled) -> list[str]:
    """Those without labels that are asked for, once each, without the examples; the first MOST."""
    if not (asked.unlabelled or asked.items):
        return []
    if data.multi:
        raise InvalidData(
            "texts without labels help only where labels exclude each other, and some text has several: leave out "
            "--unlabelled and --unlabelled-items"
        )
    of_catalogue = (item_text(item) for item in shop.store.items()) if asked.items else ()
    given = chain(of_file(asked.unlabelled, asked.columns.text) if asked.unlabelled else (), of_catalogue)
    known = {*data.texts, ""}
    found = list(dict.fromkeys(islice((text for text in given if text not in known), MOST)))
    if not found:
        raise InvalidData("every text without a label is an example already: bring others with --unlabelled FILE")
    return found


def examples_of(shop: Zhiyin, name: str, attribute: str | None = None) -> Labelled:
    """All that is there to learn from: the store's examples, and the catalogue's attribute where one is named."""
    said = [Example(one.text, one.labels) for one in newest(shop.store.labels.examples(name))]
    items = list(of_items(shop.store.items(), attribute)) if attribute else []
    if attribute and not items:
        raise InvalidData(
            f"no item has an attribute {attribute!r} to learn from: name category, brand or an attribute of the "
            "catalogue"
        )
    if not (said or items):
        raise InvalidData(
            f"label model {name!r} has no examples: --texts FILE brings them, --attribute NAME takes those of the "
            "catalogue, zhiyin label add gives one"
        )
    return prepare([*said, *items])


def _brought(shop: Zhiyin, name: str, asked: Asked, at: datetime) -> tuple[int, list[str]]:
    if asked.texts is None:
        return 0, []
    found = read_file(asked.texts, name, asked.columns, at)
    new = shop.store.labels.add(found.examples)
    if found.answers:
        shop.store.labels.put_answers(name, found.answers)
    told = f"{len(found.examples):,} examples read from {asked.texts.name}, {new:,} of them new"
    return new, [told, *found.notes]


def _before(shop: Zhiyin, name: str) -> Mapping[str, str | None]:
    """What the model in use was told to learn from."""
    shelf = shop.settings.path(LABELS)
    return find(shelf, name).about if name in names(shelf) else {}


def _cached(shop: Zhiyin, view: str) -> Encoder:
    if view == shop.settings.encoder.model:
        return shop.encoder()
    return CachedEncoder(shop.reader(view), shop.settings.path("cache"), shop.progress)


def _about(data: Labelled, readers: Mapping[str, Encoder], found: Report, made: Made) -> dict[str, object]:
    """The page of a model, but for what its classifier says of itself."""
    digest = hashlib.sha256("\n".join(data.texts).encode() + data.truth.tobytes()).hexdigest()
    return {
        "made": made.at.isoformat(),
        "seed": made.seed,
        "attribute": made.attribute,
        "encoders": {view: reader.fingerprint for view, reader in readers.items()},
        "licences": {view: reader.licence for view, reader in readers.items()},
        "data": {
            "n_texts": len(data.texts),
            "n_labels": len(data.names),
            "digest": digest[:16],
            "notes": list(data.notes),
            "counts": data.counts,
        },
        "unlabelled": None if made.gained is None else asdict(made.gained),
        "report": asdict(found),
    }
