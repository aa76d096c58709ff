"""`zhiyin label text`: what one text is, and what is answered to that; and all that is known of a label model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zhiyin.labels.model import UNKNOWN
from zhiyin.labels.shelf import find, names
from zhiyin.shop import LABELS, Zhiyin


@dataclass(frozen=True, slots=True)
class Classified:
    """One text. `labels` is empty where it is `unknown`, or where none of several applies; `answer` is what the
    owner gave to the label."""

    labels: tuple[str, ...]
    probability: float  # of the likeliest label
    unknown: bool
    answer: str | None
    near: tuple[tuple[str, float], ...]

    def sentences(self) -> list[str]:
        """The label, the answer, and what was near."""
        label = UNKNOWN if self.unknown else ", ".join(self.labels) or "none of them"
        near = ", ".join(f"{name} {p:.2f}" for name, p in self.near)
        return [f"{label} ({near})", *([self.answer] if self.answer else [])]


@dataclass(frozen=True, slots=True)
class Classes:
    """Texts of one question by one model."""

    model: str
    digest: str
    texts: tuple[Classified, ...]


def classify(shop: Zhiyin, name: str, texts: Sequence[str]) -> Classes:
    """Each text by itself. Raises NotFound without such a model."""
    model, answers = shop.labels(name), shop.store.labels.answers(name)
    found = [
        Classified(
            one.labels,
            one.probability,
            one.unknown,
            answers.get(one.labels[0]) if len(one.labels) == 1 else None,
            one.near,
        )
        for one in model.answers(texts)
    ]
    return Classes(name, model.digest, tuple(found))


@dataclass(frozen=True, slots=True)
class LabelHealth:
    """A label model in a few numbers; without a model it only has examples."""

    name: str
    model: str | None
    made: str | None
    n_examples: int  # in the store
    n_texts: int  # learned from
    labels: tuple[str, ...]
    accuracy: float | None
    macro_f1: float | None
    calibration_error: float | None
    harmful: tuple[str, ...]  # labels that are


def label_health(shop: Zhiyin) -> tuple[LabelHealth, ...]:
    """All label models and those that only have examples or settings, by name."""
    counts, shelf = shop.store.labels.counts(), shop.settings.path(LABELS)
    trained = set(names(shelf))
    found = []
    for name in sorted({*counts, *trained, *shop.settings.labels}):
        about = find(shelf, name).about if name in trained else None
        told = about["report"] if about else {}
        settings = shop.settings.labels.get(name)
        found.append(
            LabelHealth(
                name=name,
                model=find(shelf, name).digest if about else None,
                made=about["made"] if about else None,
                n_examples=counts.get(name, 0),
                n_texts=about["data"]["n_texts"] if about else 0,
                labels=tuple(about["classifier"]["names"]) if about else (),
                accuracy=told.get("accuracy"),
                macro_f1=told.get("macro_f1"),
                calibration_error=told.get("calibration_error"),
                harmful=settings.harmful if settings else (),
            )
        )
    return tuple(found)
