"""Edits: what a person says of the lines of their profile, and what of that stands.

An edit is an event of its own (types.Event of the type "edit"), so it is in the log like everything else a person
does: replayed, exported, erased with them. What stands is a fold over the edits in the order of the log: of each
trait the newest counts, whatever came between, so edits of different traits may come in any order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from zhiyin.errors import InvalidData
from zhiyin.profile.traits import ATTRIBUTE, FIELDS, READ, TEXT, Trait
from zhiyin.types import MAX_LINE, STANCES, Event, Stance

EDITS = 1_000  # newest edits of a person that are read; the service takes no more than these
LINES = 50  # that stand, the newest
TEXTS = 10  # of them that are read by the encoder
UNSAID: Stance = "unsaid"
_MORE_OF: Stance = "more"
SHORT_WORDS, SHORT = 2, 20  # words, and characters, of a piece that goes on with what is turned down

# What a clause begins with that says more than its subject. Longer ones first; the first that fits counts.
_NEVER = (
    r"(?:please\s+)?(?:no more|never(?: ever)?(?: show me| again)?|do not show(?: me)?|don['’]?t show(?: me)?|"
    r"nothing (?:with|about|like)|anything but|without|not ever|no)\s+",
    r"(?:请)?(?:绝不要|永远不要|再也不要|不要再|不要|千万别|别再|别给我|别让我|别推荐)(?:看|推荐|买)?",
)
_LESS = (
    r"(?:i\s+)?(?:really\s+)?(?:do not|don['’]?t|did not|didn['’]?t)\s+(?:really\s+)?"
    r"(?:like|love|want|enjoy|need|care for)(?:\s+any)?\s+|"
    r"(?:i\s+)?(?:hate|dislike|avoid|can['’]?t stand)\s+|(?:i['’]?m\s+|i\s+am\s+)?not\s+(?:into\s+|"
    r"interested in\s+|a fan of\s+)?|(?:less|fewer)\s+(?:of\s+)?",
    r"(?:我)?(?:不太喜欢|不喜欢|不爱|不想要|不想看|不感兴趣|讨厌|受不了|少来点|少一点|少来|少看)",
)
_MORE = (
    r"(?:i['’]?m\s+|i\s+am\s+)(?:into|looking for|interested in|fond of)\s+|(?:i\s+)?(?:really\s+|also\s+)?"
    r"(?:like|love|enjoy|adore|want|prefer|need)\s+(?:to\s+)?|more\s+(?:of\s+)?",
    r"(?:我)?(?:也|很|最|特别|非常)?(?:喜欢|想要|想看|想找|偏爱|多来点|多一点|多来)|我爱",
)
_PATTERNS: tuple[tuple[Stance, tuple[str, ...]], ...] = (("less", _LESS), ("never", _NEVER), ("more", _MORE))
_OPENINGS: tuple[tuple[Stance, re.Pattern[str]], ...] = tuple(
    (stance, re.compile("|".join(patterns), re.IGNORECASE)) for stance, patterns in _PATTERNS
)
_CLAUSES = re.compile(
    r"\s*(?:[,;.!?，、；。！？\n]+|\b(?:but|and)\b(?=\s+(?:i|no|not|never|less|without|don['’]?t)\b)|但是|可是|但|而且)\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person says of one line: a `stance` to the trait of this field and value.

    Without a stance the value is a sentence, such as "I like slow Japanese films, no horror".
    """

    value: str
    field: str = TEXT
    stance: Stance | None = None

    def __post_init__(self) -> None:
        check_field(self.field)
        if not self.value.strip() or len(self.value) > MAX_LINE:
            raise InvalidData(
                f"the value of a line has 1 to {MAX_LINE} characters, got {len(self.value):,}: say it in fewer"
            )
        if self.stance is None and self.field != TEXT:
            raise InvalidData(
                f"a {self.field} needs a stance: more, less, never or unsaid; only a text can do without"
            )


@dataclass(frozen=True, slots=True)
class Said:
    """A line that stands because the person said so."""

    trait: Trait
    stance: Stance
    at: datetime | None


def check_field(field: str) -> None:
    """Raises InvalidData for a field that no line can have."""
    named = field.startswith(ATTRIBUTE) and field != ATTRIBUTE and len(field) <= MAX_LINE
    if field not in FIELDS and not named:
        raise InvalidData(f"unknown field {field[:80]!r} of a line: one of {', '.join(FIELDS)}")


def edit_event(user_id: str, said: Said, event_id: str | None = None) -> Event:
    """The event that says so."""
    trait = said.trait
    context = {"field": trait.field, "stance": said.stance}
    return Event(user_id, None, "edit", at=said.at, text=trait.value, event_id=event_id, context=context)


def standing(edits: Sequence[Event]) -> tuple[Said, ...]:
    """What stands after these edits, in the order of the log: sorted by trait, so that what is made of it does not
    depend on the order of edits of different traits. Of more than LINES the newest."""
    stands = all_standing(edits)[-LINES:]
    too_many = texts_of(stands)[:-TEXTS]
    return tuple(sorted((said for said in stands if said not in too_many), key=lambda said: said.trait.key))


def all_standing(edits: Sequence[Event]) -> list[Said]:
    """However many stand, in the order in which they were said last."""
    newest: dict[tuple[str, str], Said] = {}
    for event in edits:
        trait = Trait(str(event.context["field"]), str(event.text).strip())
        newest.pop(trait.key, None)
        newest[trait.key] = Said(trait, _stance(event), event.at)
    return [said for said in newest.values() if said.stance != UNSAID]


def clauses(sentence: str) -> list[tuple[Stance, str]]:
    """A sentence as stances and what they are about: "I like tea, no coffee" likes tea and never wants coffee.

    Where nothing else is said, all is liked, in one piece: a wish has commas. What is turned down goes on for
    short pieces ("no horror, gore"), each by itself; a longer one is liked again.
    """
    found: list[tuple[Stance, str]] = []
    begin, stance = 0, _MORE_OF
    for piece in _pieces(sentence):
        opened = _opened(sentence[piece])
        if opened is None and stance == _MORE_OF and found:  # a wish goes on
            found[-1] = (stance, _bare(sentence[begin : piece.stop]))
            continue
        stance, at = opened or (stance if _is_short(sentence[piece]) else _MORE_OF, 0)
        begin = piece.start + at
        found.append((stance, _bare(sentence[begin : piece.stop])))
    return list(dict.fromkeys((stance, about) for stance, about in found if about))


def _pieces(sentence: str) -> list[slice]:
    """What stands between commas, full stops and "but"."""
    ends = [(match.start(), match.end()) for match in _CLAUSES.finditer(sentence)]
    starts, stops = [0, *(end for _, end in ends)], [*(start for start, _ in ends), len(sentence)]
    spans = (slice(start, stop) for start, stop in zip(starts, stops, strict=True))
    return [span for span in spans if sentence[span].strip()]


def _opened(piece: str) -> tuple[Stance, int] | None:
    """The stance that a piece begins with, and where its subject begins."""
    found = ((stance, opening.match(piece)) for stance, opening in _OPENINGS)
    return next(((stance, match.end()) for stance, match in found if match), None)


def _is_short(piece: str) -> bool:
    return len(piece.split()) <= SHORT_WORDS and len(piece) <= SHORT


def _bare(about: str) -> str:
    return about.strip(" \t\r\n'\"“”「」")


def _stance(event: Event) -> Stance:
    said = event.context["stance"]
    return next(one for one in STANCES if one == said)


def texts_of(said: Iterable[Said]) -> list[Said]:
    """Those that an encoder reads."""
    return [one for one in said if one.trait.field in READ]
