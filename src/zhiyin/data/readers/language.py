"""The language of a catalogue, as far as a recommender must know it: en, zh or other.

Counted from scripts and a few words; enough to choose tokens and texts of pages, no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_HAN = re.compile(r"[\u3400-\u9fff]")
_KANA_OR_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]+")


def _words(line: str) -> frozenset[str]:
    return frozenset(line.split())


_ENGLISH = _words("the and of a in to for with is on by from this that an it at as you your")
_FOREIGN = _words(
    "der die das und mit für ein eine le la les des et du un une el los las de del y con il di che e per den "
    "een het van och att det ett som på og na do nie w z się em uma os para não"
)


@dataclass(frozen=True, slots=True)
class Language:
    """`code` is en, zh or other; `said` tells why in words."""

    code: str
    said: str


def language_of(texts: Iterable[str]) -> Language:
    """The language most of the letters are in; "other" for Latin script whose small words are not English."""
    text = " ".join(texts)[:500_000]
    letters = len(_LETTER.findall(text))
    if not letters:
        return Language("other", "there are no letters in the titles and texts, so no language is taken")
    han, latin = len(_HAN.findall(text)), len(_LATIN.findall(text))
    if len(_KANA_OR_HANGUL.findall(text)) > 0.1 * letters:
        return Language("other", "the catalogue is Japanese or Korean by its script: I took `other`")
    if han > 0.3 * letters:
        return Language("zh", f"the catalogue is Chinese: {han / letters:.0%} of its letters are")
    if latin > 0.5 * letters and _is_english(text):
        return Language(
            "en", f"the catalogue is English: {latin / letters:.0%} Latin letters and English small words"
        )
    return Language("other", "the catalogue is neither mostly English nor mostly Chinese: I took `other`")


def _is_english(text: str) -> bool:
    """Titles have few small words: English unless the small words of other languages outnumber its own."""
    words = _WORD.findall(text.lower())
    return sum(word in _ENGLISH for word in words) >= sum(word in _FOREIGN for word in words)
