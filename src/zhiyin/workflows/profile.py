"""`zhiyin profile`: a person in words, with the evidence of each line, and what they say of it themselves.

Read from the log when asked and kept nowhere. What the person says is an event of its own, and counts in the next
list (zhiyin.ranking.standing).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from zhiyin.errors import InvalidData
from zhiyin.live import HISTORY, Live
from zhiyin.profile.background import Background
from zhiyin.profile.chat import ChatPhraser
from zhiyin.profile.edits import (
    EDITS,
    LINES,
    TEXTS,
    UNSAID,
    Edit,
    Said,
    all_standing,
    clauses,
    edit_event,
    standing,
    texts_of,
)
from zhiyin.profile.lines import Evidence, Leaning, Line, When
from zhiyin.profile.phrasing import Phrased, Phraser, Templates
from zhiyin.profile.portrait import Diary, portrait
from zhiyin.profile.traits import TEXT, Language, Trait
from zhiyin.profile.wording import Wording, said_in_words, worded
from zhiyin.settings import Settings
from zhiyin.shop import Zhiyin, new_id
from zhiyin.types import STANCES, Event, Stance

SEARCHES = 50  # newest searches that are read

Source = Literal["seen", "said"]


@dataclass(frozen=True, slots=True)
class Told:
    """One line: what it says, who says so, and what it rests on. `field` and `value` name it in an edit."""

    field: str
    value: str
    leaning: Leaning
    source: Source  # seen in what the person did, or said by them
    stance: Stance | None  # what the person said
    when: When
    sentence: str
    because: str
    phrased_by: Phrased
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose profile, for a reader of which language, worded by whom."""

    user_id: str
    language: Language = "en"
    phraser: Phraser = field(default_factory=Templates)


def diary_of(shop: Zhiyin, user_id: str) -> Diary:
    """The newest of what the log holds of a person."""
    store = shop.store
    return Diary(store.history(user_id, limit=HISTORY), store.said(user_id, "search", limit=SEARCHES))


def told_lines(shop: Zhiyin, live: Live, asked: Asked, diary: Diary | None = None) -> tuple[Told, ...]:
    """What the person said first, then what stands out and nothing was said of. Empty for somebody unknown.
    `diary`: theirs, where it was read already."""
    store, world = shop.store, live.snapshot()
    diary = diary or diary_of(shop, asked.user_id)
    lines = portrait(world, live.background(world), shop.settings.data.signals, diary, asked.language)
    seen = {line.trait.key: line for line in lines}
    said = standing(store.said(asked.user_id, "edit", limit=EDITS))
    told = [_said(one, seen.pop(one.trait.key, None), asked.language) for one in said]
    words = [worded(line, asked.language) for line in seen.values()]
    phrased = asked.phraser.phrase(words, asked.language)
    told += [_seen(line, word, said) for line, word, said in zip(seen.values(), words, phrased, strict=True)]
    return tuple(told)


def edit_profile(shop: Zhiyin, live: Live, user_id: str, edits: Sequence[Edit], at: datetime) -> tuple[Said, ...]:
    """What stands after these edits, which are in the log then. What was said already is not said again.

    Raises InvalidData if more would stand than can, or a person has edited too often; then nothing was stored.
    """
    person, known = shop.store.resolve(user_id), live.background(live.snapshot())
    before = shop.store.said(person, "edit", limit=EDITS)
    stood = {said.trait.key: said.stance for said in standing(before)}
    events: list[Event] = []
    for said in [one for edit in edits for one in _meant(edit, known, at)]:
        if stood.get(said.trait.key, UNSAID) != said.stance:
            stood[said.trait.key] = said.stance
            events.append(edit_event(person, said, new_id()))
    _check_room([*before, *events])
    if events:
        shop.add_events(events)
    return standing([*before, *events])


def read_edits(sentences: Sequence[str], lines: Sequence[str]) -> list[Edit]:
    """Sentences as they are; lines as `STANCE FIELD=VALUE`. Raises InvalidData."""
    found = [Edit(sentence) for sentence in sentences]
    for line in lines:
        word, _, trait = line.strip().partition(" ")
        name, equals, value = trait.partition("=")
        stance = next((one for one in STANCES if one == word), None)
        if stance is None or not equals:
            raise InvalidData(f"an edit is one of {', '.join(STANCES)}, then FIELD=VALUE, got {line[:80]!r}")
        found.append(Edit(value, name.strip(), stance))
    return found


def edited(shop: Zhiyin, user_id: str, edits: Sequence[Edit]) -> Live:
    """The folds after these edits, if there are any."""
    live = shop.live()
    if edits:
        edit_profile(shop, live, user_id, edits, datetime.now(UTC))
    return live


def phraser_of(settings: Settings, *, phrased: bool) -> Phraser:
    """Who words profiles: templates, unless a model is asked for and the settings name one."""
    asked = settings.profile
    if not phrased or not asked.phrase_url:
        return Templates()
    key = "" if asked.phrase_key is None else asked.phrase_key.get_secret_value()
    return ChatPhraser(asked.phrase_url, asked.phrase_model, key, asked.phrase_timeout)


def _meant(edit: Edit, known: Background, at: datetime) -> list[Said]:
    """A sentence says one thing a clause; what is a value of the catalogue is that, anything else a text."""
    if edit.stance is not None:
        return [Said(Trait(edit.field, edit.value.strip()), edit.stance, at)]
    found = [
        Said(known.find(about, in_either_number=stance != "more") or Trait(TEXT, about), stance, at)
        for stance, about in clauses(edit.value)
    ]
    if not found:
        raise InvalidData(f"{edit.value[:60]!r} says nothing: name what you like, such as: slow films, no horror")
    return found


def _check_room(edits: Sequence[Event]) -> None:
    stands = all_standing(edits)
    if len(edits) > EDITS:
        raise InvalidData(f"a profile takes {EDITS:,} edits, this would be one more: what stands stays as it is")
    if len(stands) > LINES or len(texts_of(stands)) > TEXTS:
        raise InvalidData(
            f"{len(stands)} lines would stand, {len(texts_of(stands))} of them sentences; there is room for "
            f"{LINES} and {TEXTS}: take one back first (stance: {UNSAID})"
        )


def _seen(line: Line, words: Wording, said: tuple[str, Phrased]) -> Told:
    """`said`: the sentence, and whose words it is in."""
    sentence, by = said
    return Told(
        field=line.trait.field,
        value=line.trait.value,
        leaning=line.leaning,
        source="seen",
        stance=None,
        when=line.when,
        sentence=sentence,
        because=words.because,
        phrased_by=by,
        evidence=line.evidence,
    )


def _said(said: Said, line: Line | None, language: Language) -> Told:
    """With the evidence of the line that it is about, where there is one."""
    words = said_in_words(said, language)
    return Told(
        field=said.trait.field,
        value=said.trait.value,
        leaning="likes" if said.stance == "more" else "dislikes",
        source="said",
        stance=said.stance,
        when="unknown" if line is None else line.when,
        sentence=words.sentence,
        because=words.because if line is None else f"{words.because} {worded(line, language).because}",
        phrased_by="template",
        evidence=Evidence(first=said.at, last=said.at) if line is None else line.evidence,
    )
