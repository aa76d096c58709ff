"""How else a word may be written: in the other number, with an 's; and which words of a refusal tell something.

"No baby things" is about what says baby, babies or baby's; "不要茶的东西" about what holds 茶. Words are whole
words, never parts of others (no donut has nuts) and never meanings (coffee is not decaf). Of Chinese, which has no
spaces, pairs of neighbouring characters stand for words, and a character alone for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from zhiyin.encoders.base import MAX_READ, documents
from zhiyin.encoders.lexical import CJK, fold, words_in_order
from zhiyin.types import Item

Spellings = tuple[str, ...]  # of one word

SHORTEST = 4  # letters of a word that may be a plural


def word_set(line: str) -> frozenset[str]:
    """Of a line with spaces between."""
    return frozenset(line.split())


_EMPTY = word_set(
    "a an the any all some more of for with to in on at by from and or my me i it that this these those such like "
    "thing things stuff item items product products anything everything kind kinds sort sorts type types please"
)
_EMPTY_ZH = re.compile(r"的?(?:东西|产品|商品|之类|一类)|任何|这种|那种|这类|那类|什么|的")
# Words in s that are another word without it, such as sweets and sweet.
_NO_PLURALS = word_set(
    "news goods shorts customs odds arms sweets greens blues classics basics essentials specials originals briefs "
    "tights flats lights spirits looks brains savings series species reds whites blacks works means does"
)
_IRREGULAR = (
    ("man", "men"),
    ("woman", "women"),
    ("child", "children"),
    ("foot", "feet"),
    ("tooth", "teeth"),
    ("mouse", "mice"),
    ("goose", "geese"),
)
_OTHER = dict(_IRREGULAR) | {many: one for one, many in _IRREGULAR}
_HISSES = ("s", "x", "z", "ch", "sh", "o")  # after which a plural has es


def spellings(text: str) -> list[Spellings]:
    """Of each word that tells something; none where no word does."""
    found: list[Spellings] = []
    for run in CJK.findall(_EMPTY_ZH.sub(" ", fold(text))):
        found += [(a + b,) for a, b in pairwise(run)] or [(run,)]
    words = (word for word in words_in_order(text) if not CJK.fullmatch(word))
    return list(dict.fromkeys([*found, *(_forms(word) for word in words if word not in _EMPTY)]))


def same_words(text: str, other: str) -> bool:
    """Whether both say the same words in the same order, whatever their number."""
    ours, theirs = spellings(text), spellings(other)
    return len(ours) == len(theirs) > 0 and not any(map(frozenset.isdisjoint, map(frozenset, ours), theirs))


def stands_in(item: Item, said: Sequence[Spellings]) -> bool:
    """Whether the letters of a spelling of each word are anywhere in the item: of words that share a hashed column
    with another one, most are not."""
    text = fold("\n".join(part[:MAX_READ] for part in texts_of(item)))
    return all(any(form in text for form in forms) for forms in said)


def texts_of(item: Item) -> Sequence[str]:
    """All that an item says."""
    return [*documents(item), *(value for value in item.attributes.values() if isinstance(value, str))]


def _forms(word: str) -> Spellings:
    """The word in both numbers, as it stands and with an 's."""
    bare = re.sub(r"['’]s?$", "", word)
    ones = list(_singulars(bare))
    both = dict.fromkeys([bare, *ones, *(many for one in ones for many in _plurals(one))])
    return tuple(dict.fromkeys([*both, *(form + mark for form in both for mark in ("'s", "’s"))]))


def _singulars(word: str) -> Iterator[str]:
    """What it may be the plural of, itself where it is none. Some are no words, and stand nowhere."""
    if word in _OTHER:
        yield from sorted((word, _OTHER[word]))
    elif (
        len(word) < SHORTEST or word in _NO_PLURALS or not word.endswith("s") or word.endswith(("ss", "us", "is"))
    ):
        yield word
    else:
        yield word[:-1]
        if word.endswith("ies"):
            yield word[:-3] + "y"
        elif word.endswith("ves"):
            yield from (word[:-3] + "f", word[:-3] + "fe")
        elif word.endswith("es") and word[:-2].endswith(_HISSES):
            yield word[:-2]


def _plurals(word: str) -> Iterator[str]:
    if word in _OTHER or word in _NO_PLURALS or word + "s" in _NO_PLURALS:
        return
    yield word + "s"
    if word.endswith(_HISSES):
        yield word + "es"
    elif word.endswith("y"):
        yield word[:-1] + "ies"
    elif word.endswith(("f", "fe")):
        yield word.removesuffix("e")[:-1] + "ves"
