"""What a person is asked: items whose harm is uncertain; and what they say, which counts more than any model.

A decision is a label of the item, certain, and an example of the model: it learns from it when it is trained
again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from zhiyin.errors import InvalidData
from zhiyin.settings import LabelSettings
from zhiyin.shop import Zhiyin
from zhiyin.texts import clean_text
from zhiyin.types import PERSON, ItemLabel, LabelExample, check_label_name
from zhiyin.workflows.labels.reading import item_text


@dataclass(frozen=True, slots=True)
class Doubtful:
    """An item that a person should look at."""

    item_id: str
    title: str
    text: str
    harm: float  # or 1 - probability, where the model knows no harm
    labels: tuple[str, ...]
    probabilities: dict[str, float]


def review_queue(shop: Zhiyin, name: str, limit: int = 50) -> list[Doubtful]:
    """Items in the uncertain band, the most uncertain first; of a model without harmful labels, those whose
    likeliest label is the least sure."""
    settings = shop.settings.labels.get(name, LabelSettings())
    rule, (low, high) = settings.harm(name), settings.review
    found: list[tuple[float, Doubtful]] = []
    for item in shop.store.items():
        label = item.labels.get(name)
        if label is None or label.by == PERSON:
            continue
        harm = rule.harm(item) if rule.labels else 1.0 - label.probability
        if low <= harm <= high or (not rule.labels and not label.labels):
            doubt = Doubtful(
                item.item_id, item.title, item_text(item), harm, label.labels, dict(label.probabilities)
            )
            found.append((abs(harm - (low + high) / 2), doubt))
    return [doubt for _, doubt in sorted(found, key=lambda one: (one[0], one[1].item_id))[:limit]]


def decide(shop: Zhiyin, name: str, item_id: str, label: str, at: datetime) -> ItemLabel:
    """A person says what an item is. Raises NotFound, InvalidData for a label that is empty."""
    item, said = shop.item(item_id), _checked(label)
    given = ItemLabel((said,), {said: 1.0}, PERSON, at)
    text = item_text(item)
    if text:
        shop.store.labels.add([LabelExample(name, text, (said,), PERSON, at, item_id)])
    shop.store.put_labels(name, {item_id: given})
    return given


def add_example(shop: Zhiyin, name: str, text: str, label: str, at: datetime) -> int:
    """A person says what a text is; how many examples there are now."""
    check_label_name(name)
    words = clean_text(text).strip()
    if not words:
        raise InvalidData("an example is a text with words in it, got none")
    shop.store.labels.add([LabelExample(name, words, (_checked(label),), PERSON, at)])
    return shop.store.labels.counts()[name]


def _checked(label: str) -> str:
    said = clean_text(label).strip()
    if not said:
        raise InvalidData("a label is a word or a few, got none")
    return said
