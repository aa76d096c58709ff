"""Lines in words: one sentence for what a line says and one for why, in English and in Chinese, by templates.

What is quoted are the values themselves, so that a line can be held against what the catalogue says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zhiyin.profile.checking import Facts
from zhiyin.profile.edits import Said
from zhiyin.profile.lines import Evidence, Line
from zhiyin.profile.traits import ATTRIBUTE, PRICE, TO, Language, Trait


@dataclass(frozen=True, slots=True)
class Wording:
    """A line in words."""

    sentence: str
    because: str
    facts: Facts


_LEADS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "recent": "Lately you take to {what}.",
        "lasting": "You keep coming back to {what}.",
        "fading": "You used to take to {what}.",
        "unknown": "You like {what}.",
        "dislikes": "You turn down {what}.",
        "searched": "You looked for {what}.",
        "more": "You said: more of {what}.",
        "less": "You said: less of {what}.",
        "never": "You said: never {what}.",
    },
    "zh": {
        "recent": "最近你常选{what}。",
        "lasting": "你一直喜欢{what}。",
        "fading": "你以前常选{what}。",
        "unknown": "你喜欢{what}。",
        "dislikes": "你不喜欢{what}。",
        "searched": "你找过{what}。",
        "more": "你说过：多来点{what}。",
        "less": "你说过：少来点{what}。",
        "never": "你说过：不要{what}。",
    },
}
_WHAT: Mapping[str, Mapping[str, str]] = {
    "en": {
        "category": "“{value}”",
        "brand": "the brand “{value}”",
        "language": "things in the language “{value}”",
        "price": "prices {value}",
        "published": "things from the {value}",
        "attribute": "“{name}: {value}”",
        "word": "what says “{value}”",
        "topic": "things around “{value}”",
        "text": "“{value}”",
        "between": "from {low} to {high}",
        "below": "below {high}",
        "above": "from {low} up",
    },
    "zh": {
        "category": "“{value}”",
        "brand": "“{value}”牌",
        "language": "“{value}”语言的东西",
        "price": "价格{value}的",
        "published": "{value}年代的东西",
        "attribute": "“{name}：{value}”",
        "word": "提到“{value}”的东西",
        "topic": "有关“{value}”的东西",
        "text": "“{value}”",
        "between": "{low}到{high}",
        "below": "低于{high}",
        "above": "{low}以上",
    },
}
_BECAUSE: Mapping[str, Mapping[str, str]] = {
    "en": {
        "likes": "{n} of the {of} things that you took to, {share} %",
        "dislikes": "{n} of the {of} things that you turned down, {share} %",
        "people": "; of what people take, {base} %.",
        "catalogue": "; of the catalogue, {base} %.",
        "none": ".",
        "searched": "Times you searched for it: {n}.",
        "said": "In your own words.",
    },
    "zh": {
        "likes": "你选过的 {of} 样里有 {n} 样，占 {share}%",
        "dislikes": "你不要的 {of} 样里有 {n} 样，占 {share}%",
        "people": "；大家选的里面占 {base}%。",
        "catalogue": "；整个目录里占 {base}%。",
        "none": "。",
        "searched": "你搜过 {n} 次。",
        "said": "这是你自己说的。",
    },
}


def worded(line: Line, language: Language) -> Wording:
    """A line that stands out, as a person reads it."""
    searched = line.evidence.base == "none"
    lead = "searched" if searched else line.when if line.leaning == "likes" else "dislikes"
    what = what_of(line.trait.field, line.trait.value, language)
    because = _BECAUSE[language]["searched" if searched else line.leaning]
    because = because.format(**_numbers(line.evidence))
    if not searched:
        because += _BECAUSE[language][line.evidence.base].format(**_numbers(line.evidence))
    return _wording(
        _LEADS[language][lead].replace("{what}", what), because, line.trait, line.leaning == "dislikes"
    )


def said_in_words(said: Said, language: Language) -> Wording:
    """A line that the person said."""
    what = what_of(said.trait.field, said.trait.value, language)
    sentence = _LEADS[language][said.stance].replace("{what}", what)
    return _wording(sentence, _BECAUSE[language]["said"], said.trait, said.stance != "more")


def _wording(sentence: str, because: str, trait: Trait, against: bool) -> Wording:
    value = trait.value if trait.value in sentence else ""  # a band is said otherwise, in words of the template
    return Wording(sentence, because, Facts(sentence, value, against))


def what_of(field: str, value: str, language: Language) -> str:
    """What a trait is called in a sentence. Values are put in as they are: braces in them mean nothing."""
    words = _WHAT[language]
    name = field.removeprefix(ATTRIBUTE)
    shown = _band(value, words) if TO in value and (field == PRICE or name != field) else value
    if field == "published" and language == "zh":
        shown = shown.removesuffix("s")
    template = words["attribute"] if name != field else words.get(field, words["text"])
    before, _, after = template.partition("{value}")
    return before.replace("{name}", name) + shown + after


def _band(value: str, words: Mapping[str, str]) -> str:
    low, _, high = value.partition(TO)
    kind = "between" if low and high else "below" if high else "above"
    return words[kind].replace("{low}", low).replace("{high}", high)


def _numbers(evidence: Evidence) -> Mapping[str, str]:
    base = 100 * evidence.base_share
    return {
        "n": str(evidence.n_items),
        "of": str(evidence.of),
        "share": f"{100 * evidence.share:.0f}",
        "base": f"{base:.0f}" if base >= 10 else f"{base:.1f}",
    }
