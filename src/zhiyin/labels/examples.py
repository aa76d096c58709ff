"""Labelled texts made fit to learn from: what is left out, merged or doubtful is told, never passed over."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from zhiyin.data.dataset import Floats
from zhiyin.encoders.base import MAX_READ
from zhiyin.errors import InvalidData
from zhiyin.texts import clean_text

MAX_LABEL = 200  # characters
MAX_LABELS = 20_000  # different ones
FEW = 5  # fewer examples than this are told
TOLD = 5  # examples of a note


@dataclass(frozen=True, slots=True)
class Example:
    """A text and what it is; several labels, or none, only where labels do not exclude each other."""

    text: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Labelled:
    """What is learned from. Rows of `truth` sum to 1 unless `multi`."""

    texts: tuple[str, ...]
    names: tuple[str, ...]  # sorted
    truth: Floats  # (n, K) of 0 and 1
    multi: bool
    notes: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Examples of each label."""
        return dict(zip(self.names, self.truth.sum(axis=0).astype(int).tolist(), strict=True))

    def only(self, rows: Sequence[int] | np.ndarray) -> Labelled:
        """These rows of it, with the same labels."""
        return Labelled(tuple(self.texts[row] for row in rows), self.names, self.truth[rows], self.multi, ())


def prepare(examples: Iterable[Example], *, multi: bool | None = None) -> Labelled:
    """Texts once each, with their labels. `multi`: whether a text may have several; None: whether one has.

    A text with contradicting labels keeps the one that it has most often, and goes where that is a tie. Raises
    InvalidData if fewer than two labels are left (one, where a text may have none), or far too many.
    """
    given = [Example(clean_text(one.text).strip(), _clean(one.labels)) for one in examples]
    several = any(len(one.labels) > 1 for one in given) if multi is None else multi
    filled = [one for one in given if one.text and (several or one.labels)]
    texts, notes = (_united(filled), []) if several else _agreed(filled)
    if lost := len(given) - len(filled):
        notes.insert(0, f"{lost:,} rows have no text or no label: left out")
    if long := sum(len(text) > MAX_READ for text in texts):
        notes.append(f"{long:,} texts are longer than {MAX_READ:,} characters: the first {MAX_READ:,} are read")
    names = tuple(sorted({label for labels in texts.values() for label in labels}))
    _check(names, several, len(texts))
    place = {name: n for n, name in enumerate(names)}
    truth = np.zeros((len(texts), len(names)), np.float32)
    for row, labels in enumerate(texts.values()):
        truth[row, [place[label] for label in labels]] = 1.0
    found = Labelled(tuple(texts), names, truth, several, ())
    return Labelled(found.texts, names, truth, several, (*notes, *_about(found)))


def _clean(labels: Iterable[str]) -> tuple[str, ...]:
    cleaned = (clean_text(label).strip() for label in labels)
    found = tuple(dict.fromkeys(label for label in cleaned if label))
    for label in found:
        if len(label) > MAX_LABEL:
            raise InvalidData(
                f"a label has at most {MAX_LABEL} characters, got {len(label):,} ({label[:40]!r} …): are the "
                "columns of texts and labels swapped?"
            )
    return found


def _united(examples: Iterable[Example]) -> dict[str, tuple[str, ...]]:
    """All labels of each text."""
    found: dict[str, tuple[str, ...]] = {}
    for one in examples:
        found[one.text] = tuple(dict.fromkeys((*found.get(one.text, ()), *one.labels)))
    return found


def _agreed(examples: Iterable[Example]) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The label that each text has most often, and what is to be said of those with several."""
    votes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in examples:
        votes[one.text][one.labels[0]] += 1
    found: dict[str, tuple[str, ...]] = {}
    mended, torn = list[str](), list[str]()
    for text, counted in votes.items():
        (best, n), *others = counted.most_common()
        if others and others[0][1] == n:
            torn.append(text)
            continue
        found[text] = (best,)
        if others:
            mended.append(text)
    notes = []
    if mended:
        notes.append(f"{_many(mended)} contradicting labels: the most frequent one was taken")
    if torn:
        notes.append(f"{_many(torn)} contradicting labels, each as often: left out")
    return found, notes


def _many(texts: Sequence[str]) -> str:
    shown = ", ".join(repr(text[:40]) for text in texts[:TOLD])
    return f"{len(texts):,} texts ({shown}{' …' if len(texts) > TOLD else ''}) have"


def _about(data: Labelled) -> list[str]:
    """Labels that can hardly be learned, or not be checked."""
    counts, notes = data.counts, []
    single = [name for name, n in counts.items() if n == 1]
    few = [name for name, n in counts.items() if 1 < n < FEW]
    if single:
        notes.append(
            f"{len(single):,} labels have one example ({_list(single)}): learned, but nothing says how well; give "
            f"{FEW} or more"
        )
    if few:
        notes.append(
            f"{len(few):,} labels have fewer than {FEW} examples ({_list(few)}): their numbers say little"
        )
    return notes


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:TOLD]) + (" …" if len(names) > TOLD else "")


def _check(names: Sequence[str], multi: bool, n_texts: int) -> None:
    if len(names) > MAX_LABELS:
        raise InvalidData(
            f"{len(names):,} different labels for {n_texts:,} texts, and {MAX_LABELS:,} are the most: is the "
            "column of labels an id or a text?"
        )
    if not names:
        raise InvalidData("no row has a text and a label: name the right columns")
    if len(names) == 1 and not multi:
        raise InvalidData(
            f"every text has the label {names[0]!r}: give examples of at least one other label, such as 'other'"
        )
    if len(names) == n_texts and n_texts > FEW:
        raise InvalidData(
            f"each of the {n_texts:,} texts has a label of its own: is the column of labels an id? A label needs "
            "several examples"
        )
