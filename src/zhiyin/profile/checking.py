"""Whether a sentence keeps to the facts of its line: the gate of every sentence that a language model wrote.

The facts are the words of the template's sentence. Another one may put them in another order and join them with
small words and with words for liking or for turning down, whichever the line says. It must name the value whole,
hold the numbers of the template in their order and no others, say when it was if the template does (lately, used
to, looked for), and turn the sense as often as the line does: once where something is turned down, never where
it is liked. Chinese, which has no spaces, is held against the pairs of characters of the facts. What cannot be
judged so is refused: a better phrase lost costs nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from zhiyin.profile.spelling import word_set
from zhiyin.profile.traits import folded

LONGEST = 300  # characters of a sentence, beside the value
_TOKEN = re.compile(r"[^\W\d_\u3040-\u30ff\u3400-\u9fff]+(?:['’][^\W\d_]+)?")
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)*")
_CHINESE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]+")
_SIGNS = re.compile(r"[\w\s.,;:!?()\"'“”‘’「」『』《》、，。；：！？…–—·&/-]")
_DIGIT_WORDS = re.compile(r"[〇零一二三四五六七八九十百千万亿半两几]")


_SMALL = word_set(
    "a an the and of to in on at by for with from is are was be been being it its this that these those there you "
    "your yours as so what which who when than then too also things thing something stuff ones one's has have had"
)
_LIKING = word_set(
    "like likes liked love loves loved enjoy enjoys enjoyed prefer prefers fond drawn keen into choose chose "
    "chosen pick picked favour favor take taste"
)
_AGAINST = word_set(
    "not never no less dislike dislikes avoid avoids reject rejects refuse refuses decline without cannot "
    "don't doesn't didn't won't don’t doesn’t didn’t won’t"
)
_DOWN = frozenset({("turn", "down"), ("turned", "down")})
_MARKS = ("lately", "used to", "looked for", "最近", "以前", "找过")  # that must not be lost
_LIKING_ZH = frozenset("喜欢爱偏好选中意钟情")
_AGAINST_ZH = frozenset("不别少没讨厌拒绝避开远离无非未勿")
_DENIES_ZH = frozenset("不别少没无非未勿讨拒避")  # of which each turns the sense
_GLUE_ZH = frozenset("的了是和在与及也很都就你您对于有着会更比较东西类这些那些之而又且还个物品种方面")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a sentence may say."""

    text: str  # the template's sentence
    value: str  # that must be named
    against: bool  # whether the line says what is turned down


def keeps_to(sentence: str, facts: Facts) -> bool:
    """Whether a sentence says nothing but the facts, and what it must."""
    said, known, value = folded(sentence), folded(facts.text), folded(facts.value)
    if len(said) > LONGEST + len(value) or value not in said or not _plain(sentence, facts.text):
        return False
    said, known = said.replace(value, " ", 1), known.replace(value, " ", 1)
    marks = all((mark in known) <= (mark in said) for mark in _MARKS)
    numbers = _NUMBER.findall(said) == _NUMBER.findall(known)
    words = _only_known(said, known, against=facts.against) and _chinese_known(said, known, against=facts.against)
    return (
        marks
        and numbers
        and words
        and _turns(said) == int(facts.against)
        and (facts.against or _likes(said, known))
    )


def _plain(sentence: str, known: str) -> bool:
    """No sign that a sentence does not need, unless the facts have it."""
    return all(_SIGNS.fullmatch(sign) or sign in known for sign in sentence)


def _only_known(said: str, known: str, *, against: bool) -> bool:
    """Words of an alphabet: of the facts, small, or of the leaning of the line."""
    free = _SMALL | _LIKING | (_AGAINST if against else frozenset())
    return set(_TOKEN.findall(said)) <= set(_TOKEN.findall(known)) | free


def _chinese_known(said: str, known: str, *, against: bool) -> bool:
    """Each pair of characters stands in the facts, or one of the two is small or of the leaning; numbers in words
    stand there exactly."""
    pairs = {pair for run in _CHINESE.findall(known) for pair in pairwise(run)}
    free = _GLUE_ZH | _LIKING_ZH | (_AGAINST_ZH if against else frozenset())
    signs = free.union(*_CHINESE.findall(known))
    for run in _CHINESE.findall(said):
        if not signs.issuperset(run):
            return False
        if any(pair not in pairs and free.isdisjoint(pair) for pair in pairwise(run)):
            return False
    return set(_DIGIT_WORDS.findall(said)) <= set(_DIGIT_WORDS.findall(known))


def _turns(said: str) -> int:
    """How often the sense is turned."""
    words = _TOKEN.findall(said)
    english = sum(word in _AGAINST for word in words) + sum(pair in _DOWN for pair in pairwise(words))
    return english + sum(sign in _DENIES_ZH for sign in said)


def _likes(said: str, known: str) -> bool:
    """Whether the sentence says liking, or what else the line says: coming back, looking for."""
    lead = {word for word in _TOKEN.findall(known) if word not in _SMALL}
    return bool((lead | _LIKING).intersection(_TOKEN.findall(said))) or not _LIKING_ZH.union("找").isdisjoint(said)
