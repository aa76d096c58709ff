"""Other wordings of items before a model is adapted: texts of the catalogue, translated there and back.

Nothing that people typed or did is sent. Where the endpoint fails or the budget ends the training goes on with
what came back, and says so. A training that was killed goes on with the wordings that it began with, for with
others it would be another one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import orjson

from zhiyin.endpoints.budget import Budget
from zhiyin.endpoints.chat import LARGEST, Chat
from zhiyin.endpoints.endpoint import Endpoint, Patience
from zhiyin.endpoints.languages import language_of
from zhiyin.endpoints.named import TRANSLATIONS
from zhiyin.endpoints.rewording import Interpreter, Load, Original, Reworded
from zhiyin.endpoints.translations import Translations
from zhiyin.errors import InvalidSettings
from zhiyin.files import appearing
from zhiyin.settings import Settings
from zhiyin.training.back_translation import BackTranslationRecipe
from zhiyin.training.tower_recipe import OF_FIELDS
from zhiyin.types import Item

if TYPE_CHECKING:
    from zhiyin.training.past import Past
    from zhiyin.training.tower import Assignment

log = logging.getLogger(__name__)

NOTE = "wordings.json"
SHAPING = {"url", "model", "languages", "own", "temperature", "budget_day", "budget_run"}  # what comes back


def with_other_wordings(settings: Settings, asked: Assignment) -> Assignment:
    """The assignment with other wordings of its items, where `[tower.back_translation]` names who translates.

    Raises InvalidSettings where that does not say enough, before anything is sent.
    """
    recipe = asked.recipe.back_translation
    if not recipe.url:
        return asked
    interpreter = interpreter_of(settings)
    rows = rows_to_reword(asked)
    spoken = languages_of(asked.catalogue, recipe, settings.language)
    told = [row for row in rows if spoken[row]]
    if len(told) < len(rows):
        cure = "tower.back_translation.own, or a language of each item, tells it"
        if not told:
            raise InvalidSettings(f"nobody says which language the catalogue is in: {cure}")
        log.warning(
            "the language of %d items is not known: they are sent nowhere; %s", len(rows) - len(told), cure
        )
    begun = begun_with(asked)
    if begun is not None:
        return begun
    originals = [Original(asked.past.texts[row], spoken[row]) for row in told]
    found = interpreter.reword(originals, recipe.languages, asked.progress)
    log.warning("%s", found.told())
    placed = {told[place]: some for place, some in found.wordings.items()}
    return _noted(asked, replace(found, wordings=placed))


def rows_to_reword(asked: Assignment) -> list[int]:
    """Of the items that it may read, those with most events first, for a budget may end; those without events
    only where a task draws them."""
    past: Past = asked.past
    support = past.support
    able = np.array([bool(text.strip()) for text in past.texts]) & ~past.hidden
    if not set(asked.recipe.tasks) & set(OF_FIELDS):
        able &= support > 0
    order = np.argsort(-support, kind="stable")
    return order[able[order]].tolist()


def languages_of(catalogue: Sequence[Item], recipe: BackTranslationRecipe, shop: str) -> list[str]:
    """Of every item the name of its language, "" where nobody says it."""
    usual = recipe.own or (shop if shop != "other" else "")
    return [language_of(item.language or usual) for item in catalogue]


def interpreter_of(settings: Settings) -> Interpreter:
    """Who translates, with a memory on disk. Raises InvalidSettings."""
    said = settings.tower.back_translation
    if not said.model:
        raise InvalidSettings("tower.back_translation.url needs tower.back_translation.model: write it too")
    key = "" if said.key is None else said.key.get_secret_value()
    endpoint = Endpoint(TRANSLATIONS.address(said.url), key, TRANSLATIONS, largest=LARGEST)
    cache = settings.path("cache")
    return Interpreter(
        Chat(endpoint, said.model, said.temperature),
        Budget(cache / "translations-budget.json", TRANSLATIONS, said.budget_day, said.budget_run),
        Translations(cache / "translations.jsonl"),
        Load(Patience(said.timeout, said.attempts), said.batch, said.batch_characters, said.at_once, said.price),
    )


def begun_with(asked: Assignment) -> Assignment | None:
    """With the wordings of the run that was killed, where one left a checkpoint; None where it asks anew."""
    note = asked.path(NOTE)
    if note is None or not note.is_file():
        return None
    told = orjson.loads(note.read_bytes())
    if told.pop("shaping") != _shaping(asked.recipe.back_translation):
        return None
    wordings = {int(row): tuple(some) for row, some in told.pop("wordings").items()}
    begun = replace(asked, reworded=Reworded(wordings, **told))
    if not begun.begun:
        return None
    log.warning("it goes on with the other wordings of %d items that it began with: nothing is sent; "
                "without %s it asks for all that lack", len(wordings), note)  # fmt: skip
    return begun


def forget_wordings(asked: Assignment) -> None:
    """The model is learned: what it began with is known by the translations."""
    note = _note_of(asked)
    if note is not None:
        note.unlink(missing_ok=True)


def _noted(asked: Assignment, found: Reworded) -> Assignment:
    note = asked.path(NOTE)
    if note is not None:
        note.parent.mkdir(parents=True, exist_ok=True)
        with appearing(note) as draft:
            told = asdict(found) | {"shaping": _shaping(asked.recipe.back_translation)}
            draft.write_bytes(orjson.dumps(told, option=orjson.OPT_NON_STR_KEYS))
    return replace(asked, reworded=found)


def _note_of(asked: Assignment) -> Path | None:
    return replace(asked, reworded=None).path(NOTE)


def _shaping(recipe: BackTranslationRecipe) -> object:
    """What the wordings follow from: with another address or a larger budget it asks again."""
    return recipe.model_dump(mode="json", include=SHAPING)
