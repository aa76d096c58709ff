"""Words and topics: what stands out of the texts that a person took to, and wrote.

A word is held against the catalogue's shares of words (zhiyin.profile.odds). A topic is a cluster of the vectors
of what was taken, by average linkage (Sokal & Michener 1958), named by the words that stand out of it. How common
it is, is the share of the catalogue that is as near to its middle as its farthest member.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise

import numpy as np
from scipy.cluster.hierarchy import linkage

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import MAX_READ
from zhiyin.encoders.lexical import column_of, columns_of, words_in_order
from zhiyin.models.words import Words
from zhiyin.profile.lines import LEAST, Line, evidence_of, when_of
from zhiyin.profile.odds import STANDS_OUT, z_scores
from zhiyin.profile.past import Past, Side, Touched
from zhiyin.profile.spelling import texts_of
from zhiyin.profile.traits import TOPIC, WORD, Language, Trait, folded

WORDS, TOPICS, NAMES = 4, 3, 3  # lines at most, and words of a topic's name
LOOKED_AT = 40  # columns with the highest z whose words are looked up
TELLING, RARE = 2.5, 0.05  # least z of a word that is a line of its own, and most of the catalogue that says it
TIGHT = 0.35  # mean cosine of the items of a topic, at least
CROWD = 3  # items of a topic, at least
_LETTERS = re.compile(r"[^\W\d_]")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_GLUE = frozenset(
    "的了是和在与及也很都就不一有我你他她它这那个们上下里外中到对把被让给从向为以于而或着过得地又再还只能会可要想用来去做好多少大小"
)


@dataclass(frozen=True, slots=True)
class Texts:
    """What the catalogue says: its words, and its vectors."""

    words: Words
    vectors: Floats  # (I, dim) unit rows
    sample: Floats  # (S, dim) some of them
    script: Language  # of the words that are told: with a catalogue in two languages, those of the reader


@dataclass(frozen=True, slots=True)
class _Bags:
    """The distinct columns of the words of each item of a side, and of what the person wrote about it."""

    columns: Rows  # (C,) all of them once, ascending
    word: Rows  # (E,) one item after the other: which of the columns
    owner: Rows  # (E,) place in the side
    side: Side

    @classmethod
    def of(cls, side: Side, words: Words) -> _Bags:
        bags = [_columns_of(one, words) for one in side.touched]
        owner = np.repeat(np.arange(len(bags), dtype=np.int32), [len(bag) for bag in bags])
        columns, word = np.unique(np.concatenate(bags), return_inverse=True)
        return cls(columns, word.astype(np.int32), owner, side)

    def places(self, column: int) -> Rows:
        """Of the items that have it, ascending."""
        return self.owner[self.word == np.searchsorted(self.columns, column)]

    def first(self) -> Rows:
        """(C,) the place of the first item that has each column, 0 where none has."""
        found = np.zeros(len(self.columns), np.int32)
        found[self.word[::-1]] = self.owner[::-1]  # the last one written stays
        return found

    def only(self, places: Sequence[int]) -> _Bags:
        """Of these items."""
        side = Side(tuple(self.side.touched[place] for place in places), self.side.counts[places])
        new = np.full(len(self.side.touched), -1, np.int32)
        new[places] = np.arange(len(places))
        kept = new[self.owner] >= 0
        return _Bags(self.columns, self.word[kept], new[self.owner[kept]], side)


def written_lines(past: Past, texts: Texts, told: Iterable[str]) -> list[Line]:
    """Topics, then words. `told`: what other lines say already."""
    bags = _Bags.of(past.liked, texts.words)
    names = _Names(texts.script)
    topics = _topic_lines(past, bags, texts, names)
    told = [*told, *(line.trait.value for line in topics)]
    return [*topics, *_word_lines(past, bags, texts, names, told)]


def _word_lines(past: Past, bags: _Bags, texts: Texts, names: _Names, told: Iterable[str]) -> list[Line]:
    """Words of what was liked, the most telling first."""
    side, taken = past.liked, {word for text in told for word in folded(text).split()}
    lines = list[Line]()
    for word, column in _standing_out(bags, texts, names):
        if len(lines) == WORDS:
            break
        if word in taken:
            continue
        places = bags.places(column)
        having = [side.touched[place] for place in places.tolist()]
        base = float(_shares(texts.words, np.array([column]))[0])
        evidence = evidence_of(having, side, float(side.counts[places].sum()), base, "catalogue")
        if evidence.z < TELLING:
            break
        if base <= RARE:
            lines.append(Line(Trait(WORD, word), "likes", when_of(having, past.length), evidence))
    return lines


def _topic_lines(past: Past, bags: _Bags, texts: Texts, names: _Names) -> list[Line]:
    """Clusters of what was liked that have a name, the largest first."""
    side, lines = past.liked, list[Line]()
    for places in _clusters(texts.vectors[side.rows])[:TOPICS]:
        some = bags.only(places)
        found = _standing_out(some, texts, names, least=len(places) / 2)
        called = [word for word, _ in islice(found, NAMES)]
        count, base = float(some.side.counts.sum()), _as_near(texts, some.side.rows)
        evidence = evidence_of(some.side.touched, side, count, base, "catalogue")
        if len(called) >= LEAST and evidence.z >= STANDS_OUT:
            when = when_of(some.side.touched, past.length)
            lines.append(Line(Trait(TOPIC, ", ".join(called)), "likes", when, evidence))
    return lines


def _standing_out(bags: _Bags, texts: Texts, names: _Names, least: float = LEAST) -> Iterator[tuple[str, int]]:
    """Words with their columns, in `least` items or more, by z; those that are part of an earlier one left out."""
    n, counts = len(bags.columns), bags.side.counts
    often = np.flatnonzero(np.bincount(bags.word, minlength=n) >= max(least, LEAST))
    columns, together = bags.columns[often], np.bincount(bags.word, counts[bags.owner], n)[often]
    z = z_scores(together.astype(np.float64), float(counts.sum()), _shares(texts.words, columns))
    fit = np.flatnonzero(z >= STANDS_OUT)
    order = fit[np.lexsort((columns[fit], -z[fit]))][:LOOKED_AT]
    first = bags.first()[often[order]]
    told = set[str]()
    for column, place in zip(columns[order].tolist(), first.tolist(), strict=True):
        word = names.of(bags.side.touched[place], column)
        if word is None or any(word in other or other in word for other in told):
            continue
        told.add(word)
        if texts.script == "zh":  # pairs that share a character are pieces of one word
            told.update(word)
        yield word, column


def _columns_of(one: Touched, words: Words) -> Rows:
    """Those of the item are distinct and ascend already."""
    rows = words.rows
    own = rows.indices[rows.indptr[one.row] : rows.indptr[one.row + 1]]
    written = [column for text in one.texts for _, column in columns_of(text[:MAX_READ])]
    return np.unique(np.concatenate([own, np.array(written, own.dtype)])) if written else own


def _shares(words: Words, columns: Rows) -> Doubles:
    """(n,) the share of the catalogue that has each word: its idf is log((1 + I) / (1 + n)) + 1."""
    return np.exp(1.0 - words.encoder.idf[columns].astype(np.float64))


class _Names:
    """The words behind columns, read from the items that have them; each text is read once."""

    def __init__(self, script: Language) -> None:
        self._script = script
        self._read: dict[int, dict[int, str]] = {}  # by row of an item: column -> word

    def of(self, one: Touched, column: int) -> str | None:
        """Of an item that has it, as people would say it in the script; None for what cannot be said."""
        if one.row not in self._read:
            read = dict[int, str]()
            for text in texts_of(one.item):
                read |= _words_of_item(text[:MAX_READ], self._script)
            for text in one.texts:
                read |= _words(text[:MAX_READ], self._script)
            self._read[one.row] = read
        return self._read[one.row].get(column)


@lru_cache(maxsize=2_048)
def _words_of_item(text: str, script: Language) -> Mapping[int, str]:
    """Of a text of the catalogue. What people write is never kept."""
    return _words(text, script)


def _words(text: str, script: Language) -> dict[int, str]:
    """What people would say of a text, by its column: words of three letters or more, or two Chinese characters
    that are no glue; pairs of other words say no more than their words do, most often."""
    words = words_in_order(text)
    if script == "en":
        said = (word for word in words if len(word) >= 3 and _LETTERS.search(word) and not _CJK.search(word))
        return {column_of(word): word for word in said}
    return {column_of(f"{a} {b}"): a + b for a, b in pairwise(words) if _speaks(a) and _speaks(b)}


def _speaks(sign: str) -> bool:
    return len(sign) == 1 and sign not in _GLUE and _CJK.match(sign) is not None


def _clusters(vectors: Floats) -> list[list[int]]:
    """Places of the rows of each cluster of CROWD or more, the largest first, ties by the first member."""
    told = np.flatnonzero((vectors**2).sum(axis=1) > 0.5)
    if len(told) < CROWD:
        return []
    tree = linkage(
        np.maximum(1.0 - vectors[told] @ vectors[told].T, 0.0)[np.triu_indices(len(told), 1)], "average"
    )
    groups = {place: [place] for place in range(len(told))}
    for n, (one, other, height, _) in enumerate(tree.tolist()):  # from near to far
        if height <= 1.0 - TIGHT:
            groups[len(told) + n] = groups.pop(int(one)) + groups.pop(int(other))
    found = [told[sorted(group)].tolist() for group in groups.values() if len(group) >= CROWD]
    return sorted(found, key=lambda group: (-len(group), group))


def _as_near(texts: Texts, rows: Rows) -> float:
    """The share of the catalogue that is as near to the middle of these rows as the farthest of them."""
    middle = texts.vectors[rows].sum(axis=0)
    nearness = texts.sample @ middle
    least = float((texts.vectors[rows] @ middle).min())
    return float((nearness >= least - 1e-6).mean())
