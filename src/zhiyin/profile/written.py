"""Words and topics: what stands out of the texts that a person took to, and wrote.

A word is held against the catalogue's shares of words (zhiyin.profile.odds). A topic is a cluster of the vectors
of what was taken, by average linkage (Sokal & Michener 1958), named by the words that stand out of it. How common
it is, is the share of the catalogue that is as near to its middle as its farthest member.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from zhiyin.data.dataset import Doubles, Floats
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import MAX_READ
from zhiyin.encoders.lexical import columns_of
from zhiyin.models.words import Words
from zhiyin.profile.lines import LEAST, Line, evidence_of, when_of
from zhiyin.profile.odds import STANDS_OUT, z_scores
from zhiyin.profile.past import Past, Side
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
    """What the catalogue says: its words, and a sample of its vectors."""

    words: Words
    vectors: Floats  # (I, dim) unit rows
    sample: Rows
    script: Language  # of the words that are told: with a catalogue in two languages, those of the reader


def written_lines(past: Past, texts: Texts, told: Iterable[str]) -> list[Line]:
    """Topics, then words. `told`: what other lines say already."""
    bags = _bags(past.liked, texts.words)
    topics = _topic_lines(past, bags, texts)
    return [*topics, *_word_lines(past, bags, texts, [*told, *(line.trait.value for line in topics)])]


def _word_lines(past: Past, bags: Sequence[Rows], texts: Texts, told: Iterable[str]) -> list[Line]:
    """Words of what was liked, the most telling first."""
    side, taken = past.liked, {word for text in told for word in folded(text).split()}
    lines = list[Line]()
    for word, column in _standing_out(side, bags, texts):
        if len(lines) == WORDS:
            break
        if word in taken:
            continue
        places = [place for place, bag in enumerate(bags) if column in bag]
        having = [side.touched[place] for place in places]
        base = float(_shares(texts.words, np.array([column]))[0])
        evidence = evidence_of(having, side, float(side.counts[places].sum()), base, "catalogue")
        if evidence.z < TELLING:
            break
        if base <= RARE:
            lines.append(Line(Trait(WORD, word), "likes", when_of(having, past.length), evidence))
    return lines


def _topic_lines(past: Past, bags: Sequence[Rows], texts: Texts) -> list[Line]:
    """Clusters of what was liked that have a name, the largest first."""
    side, lines = past.liked, list[Line]()
    for places in _clusters(texts.vectors[side.rows])[:TOPICS]:
        cluster = Side(tuple(side.touched[place] for place in places), side.counts[places])
        found = _standing_out(cluster, [bags[place] for place in places], texts, least=len(places) / 2)
        names = [word for word, _ in found][:NAMES]
        count, base = float(cluster.counts.sum()), _as_near(texts, cluster.rows)
        evidence = evidence_of(cluster.touched, side, count, base, "catalogue")
        if len(names) >= LEAST and evidence.z >= STANDS_OUT:
            when = when_of(cluster.touched, past.length)
            lines.append(Line(Trait(TOPIC, ", ".join(names)), "likes", when, evidence))
    return lines


def _standing_out(
    side: Side, bags: Sequence[Rows], texts: Texts, least: float = LEAST
) -> Iterator[tuple[str, int]]:
    """Words with their columns, in `least` items or more, by z; those that are part of an earlier one left out."""
    if not bags:
        return
    each = np.repeat(side.counts, [len(bag) for bag in bags])
    columns, place = np.unique(np.concatenate(bags), return_inverse=True)
    counts, items = np.bincount(place, each).astype(np.float64), np.bincount(place)
    z = z_scores(counts, float(side.counts.sum()), _shares(texts.words, columns))
    fit = np.flatnonzero((items >= max(least, LEAST)) & (z >= STANDS_OUT))
    order = fit[np.lexsort((columns[fit], -z[fit]))][:LOOKED_AT].tolist()
    names, told = _Names(side, bags, texts.script), set[str]()
    for column in columns[order].tolist():
        word = names.of(column)
        if word is None or any(word in other or other in word for other in told):
            continue
        told.add(word)
        if texts.script == "zh":  # pairs that share a character are pieces of one word
            told.update(word)
        yield word, column


def _bags(side: Side, words: Words) -> list[Rows]:
    """By item the distinct columns of its words, and of what the person wrote about it."""
    rows, bags = words.rows, list[Rows]()
    for one in side.touched:
        own = rows.indices[rows.indptr[one.row] : rows.indptr[one.row + 1]]
        written = [column for text in one.texts for _, column in columns_of(text[:MAX_READ])]
        bags.append(np.unique(np.concatenate([own, np.array(written, own.dtype)])))
    return bags


def _shares(words: Words, columns: Rows) -> Doubles:
    """(n,) the share of the catalogue that has each word: its idf is log((1 + I) / (1 + n)) + 1."""
    return np.exp(1.0 - words.encoder.idf[columns].astype(np.float64))


class _Names:
    """The words behind columns, read from the items that have them; each text is read once."""

    def __init__(self, side: Side, bags: Sequence[Rows], script: Language) -> None:
        self._side, self._bags, self._script = side, bags, script
        self._read: dict[int, dict[int, str]] = {}  # by place: column -> token

    def of(self, column: int) -> str | None:
        """As people would say it in the script, None for what cannot be said."""
        place = next(place for place, bag in enumerate(self._bags) if column in bag)
        if place not in self._read:
            one = self._side.touched[place]
            texts = (*texts_of(one.item), *one.texts)
            self._read[place] = {column: token for text in texts for token, column in columns_of(text[:MAX_READ])}
        return _word(self._read[place].get(column, ""), self._script)


def _word(token: str, script: Language) -> str | None:
    """A token as people would say it: a word of three letters or more, or two Chinese characters that are no glue;
    pairs of other words say no more than their words do, most often."""
    first, _, second = token.partition(" ")
    if script == "en":
        sayable = not second and len(token) >= 3 and _LETTERS.search(token) and not _CJK.search(token)
        return token if sayable else None
    pair = first + second
    chinese = len(first) == len(second) == 1 and all(_CJK.match(sign) and sign not in _GLUE for sign in pair)
    return pair if chinese else None


def _clusters(vectors: Floats) -> list[list[int]]:
    """Places of the rows of each cluster of CROWD or more, the largest first, ties by the first member."""
    told = np.flatnonzero((vectors**2).sum(axis=1) > 0.5)
    if len(told) < CROWD:
        return []
    tree = linkage(
        np.maximum(1.0 - vectors[told] @ vectors[told].T, 0.0)[np.triu_indices(len(told), 1)], "average"
    )
    labels = fcluster(tree, 1.0 - TIGHT, "distance")
    groups = [told[labels == label].tolist() for label in np.unique(labels)]
    return sorted((group for group in groups if len(group) >= CROWD), key=lambda group: (-len(group), group))


def _as_near(texts: Texts, rows: Rows) -> float:
    """The share of the catalogue that is as near to the middle of these rows as the farthest of them."""
    middle = texts.vectors[rows].sum(axis=0)
    nearness = texts.vectors[texts.sample] @ middle
    least = float((texts.vectors[rows] @ middle).min())
    return float((nearness >= least - 1e-6).mean())
