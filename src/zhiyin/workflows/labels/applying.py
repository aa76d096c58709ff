"""`zhiyin label apply`: what a label model says of every item goes into the catalogue, beside what the owner gave.

A label says who said it, when, and how sure it was. It is read in filters and rules by the model's name; an
attribute of the owner's of that name wins, and so does what a person decided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from zhiyin.labels.model import LabelModel
from zhiyin.shop import Zhiyin
from zhiyin.types import PERSON, Item, ItemLabel
from zhiyin.workflows.labels.reading import item_text

AT_ONCE = 2_000  # items of one transaction
KEPT = 5  # likeliest labels that an item keeps
SLIGHT = 0.0005  # probability below which a label is not kept
TOLD = 15  # labels


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of the items: `labelled` + `unknown` + `textless` + `owners` + `decided` = all of them."""

    name: str
    model: str  # digest
    labelled: int
    unknown: int
    textless: int
    owners: int  # have an attribute of this name
    decided: int  # by a person
    changed: int
    counts: Mapping[str, int]  # items by label

    def sentences(self) -> list[str]:
        """The counts, then the labels."""
        of_owner = f", {self.owners:,} keep the owner's attribute {self.name!r}" if self.owners else ""
        of_person = f", {self.decided:,} keep what a person decided" if self.decided else ""
        most = sorted(self.counts.items(), key=lambda one: (-one[1], one[0]))
        labels = ", ".join(f"{label} {n:,}" for label, n in most[:TOLD]) + (" …" if len(most) > TOLD else "")
        told = [
            f"{self.labelled:,} items labelled by {self.model[:12]}, {self.unknown:,} unknown, {self.textless:,} "
            f"have no text{of_owner}{of_person}; {self.changed:,} changed"
        ]
        return [*told, labels] if labels else told


def apply_labels(shop: Zhiyin, name: str, at: datetime) -> Applied:
    """Label all items. What is as it was is not written again, so a killed run goes on where it was."""
    model, progress = shop.labels(name), shop.progress
    found: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    changed = done = 0
    progress.start(f"labelling items: {name}", shop.store.counts()["items"])
    batch: list[Item] = []
    for item in shop.store.items():
        batch.append(item)
        if len(batch) == AT_ONCE:
            changed += _write(shop, name, _said(model, name, batch, at, (found, counts)))
            done += len(batch)
            batch = []
            progress.advance(done)
    changed += _write(shop, name, _said(model, name, batch, at, (found, counts)))
    progress.done()
    kinds = {kind: found[kind] for kind in ("labelled", "unknown", "textless", "owners", "decided")}
    return Applied(name, model.digest, **kinds, changed=changed, counts=dict(counts))


def labels_of(model: LabelModel, texts: Sequence[str], at: datetime) -> list[ItemLabel]:
    """What the model says, as items keep it."""
    return [
        ItemLabel(
            answer.labels,
            {label: round(p, 4) for label, p in answer.near if p >= SLIGHT},
            model.digest,
            at,
        )
        for answer in model.answers(texts, KEPT)
    ]


def _said(
    model: LabelModel, name: str, items: Sequence[Item], at: datetime, told: tuple[Counter[str], Counter[str]]
) -> dict[str, ItemLabel | None]:
    """The labels that are new, by item id; `told` counts all."""
    found, counts = told
    asked = [item for item in items if (kind := _spared(item, name)) is None or found.update([kind])]
    changes: dict[str, ItemLabel | None] = {}
    for item, label in zip(asked, labels_of(model, [item_text(item) for item in asked], at), strict=True):
        found["labelled" if label.labels else "unknown"] += 1
        counts.update(label.labels)
        before = item.labels.get(name)
        same = before is not None and (before.labels, before.probabilities, before.by) == (
            label.labels,
            label.probabilities,
            label.by,
        )
        if not same:
            changes[item.item_id] = label
    return changes | {item.item_id: None for item in items if _spared(item, name) in ("owners", "textless")}


def _spared(item: Item, name: str) -> str | None:
    """Why an item gets no label of the model."""
    before = item.labels.get(name)
    if before is not None and before.by == PERSON:
        return "decided"
    if name in item.attributes:
        return "owners"
    return None if item_text(item) else "textless"


def _write(shop: Zhiyin, name: str, labels: Mapping[str, ItemLabel | None]) -> int:
    return shop.store.put_labels(name, labels) if labels else 0
