"""`zhiyin label next`: the texts whose labels would teach most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zhiyin.errors import InvalidData
from zhiyin.labels.shelf import names
from zhiyin.labels.teaching import doubt, teach
from zhiyin.shop import LABELS, Zhiyin
from zhiyin.texts import clean_text
from zhiyin.workflows.labels.reading import item_text, of_file

MOST = 50_000  # texts that are looked at


@dataclass(frozen=True, slots=True)
class Wanted:
    """A text to be labelled; `said` is what the model believes, "" without a model."""

    text: str
    item_id: str | None
    said: str
    probability: float | None


def next_texts(
    shop: Zhiyin, name: str, n: int, *, texts: Path | None = None, column: str | None = None, seed: int = 0
) -> list[Wanted]:
    """Of a file's texts, or of the items, those that nobody labelled. Without a model yet: a spread of them."""
    known = {clean_text(one.text).strip() for one in shop.store.labels.examples(name)}
    asked = dict(
        _first(((text, None) for text in of_file(texts, column)) if texts else _of_items(shop, name), known)
    )
    if not asked:
        raise InvalidData(f"every text has a label of {name!r} already: --texts FILE brings others")
    pool, rng = list(asked), np.random.default_rng(seed)
    rows = shop.encoder().encode(pool)
    told = shop.encoder().encode(sorted(known))
    if name not in names(shop.settings.path(LABELS)):
        chosen = teach(rows, np.ones(len(rows)) + 1e-9 * rng.random(len(rows)), told, n, rng)
        return [Wanted(pool[row], asked[pool[row]], "", None) for row in chosen.tolist()]
    model = shop.labels(name)
    said = model.say(pool)
    chosen = teach(rows, doubt(said, multi=model.classifier.multi), told, n, rng)
    answers = model.answers([pool[row] for row in chosen.tolist()], 1)
    return [
        Wanted(pool[row], asked[pool[row]], answer.near[0][0], answer.near[0][1])
        for row, answer in zip(chosen.tolist(), answers, strict=True)
    ]


def _first(texts: Iterable[tuple[str, str | None]], known: set[str]) -> Iterator[tuple[str, str | None]]:
    left = MOST
    for text, item_id in texts:
        if text and text not in known and left:
            left -= 1
            yield text, item_id


def _of_items(shop: Zhiyin, name: str) -> Iterator[tuple[str, str | None]]:
    return ((item_text(item), item.item_id) for item in shop.store.items() if name not in item.attributes)
