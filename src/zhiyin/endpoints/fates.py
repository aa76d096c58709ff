"""What becomes of a text that was translated there and back: another wording of the same thing, or unused."""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal
from unicodedata import normalize

Fate = Literal[
    "usable", "not asked", "empty", "unchanged", "not translated back", "too long or short", "other numbers"
]

LEAST, MOST = 0.5, 2.0  # of the characters that the text has
SPARE = 20  # characters that a short text may have more all the same
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[.,'’\u00a0\u202f](?=\d)")
_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"\w+")


def fate_of(text: str, there: str, back: str) -> Fate:
    """Of a text, its translation, and the translation of that. It is usable where it says the same numbers in
    other words, and is about as long: a model that adds, loses or explains is not believed."""
    if not there.strip() or not back.strip():
        return "empty"
    if words_of(back) == words_of(text):
        return "unchanged"
    if words_of(back) == words_of(there) or abs(_far(back) - _far(text)) > 0.5:
        return "not translated back"
    if not LEAST * len(text) <= len(back) <= MOST * len(text) + SPARE:
        return "too long or short"
    if numbers_of(back) != numbers_of(text):
        return "other numbers"
    return "usable"


def words_of(text: str) -> list[str]:
    """Without what differs between two ways to write them."""
    return _WORD.findall(normalize("NFKC", text).casefold())


def numbers_of(text: str) -> Counter[str]:
    """How often each stands there, in whatever order, however its digits are grouped: 1.5 is 1,5."""
    return Counter(_NUMBER.findall(_BETWEEN_DIGITS.sub("", normalize("NFKC", text))))


def _far(text: str) -> float:
    """Share of the letters that are of East Asian scripts."""
    letters = [letter for letter in text if letter.isalpha()]
    return sum(letter >= "\u2e80" for letter in letters) / max(len(letters), 1)
