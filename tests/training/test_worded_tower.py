"""A tower that reads items in other words: from which catalogue texts, how it is told, and what another run begins
with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest
from towers import QUICK, assignment

from zhiyin.endpoints.rewording import Reworded
from zhiyin.errors import InvalidSettings
from zhiyin.settings import Settings
from zhiyin.testing.chat_server import ChatServer, chat_server
from zhiyin.testing.faulty_server import Fault
from zhiyin.training.back_translation import BackTranslationRecipe
from zhiyin.training.dense import Turning
from zhiyin.training.past import Typed
from zhiyin.training.tower import Assignment, adapt
from zhiyin.training.tower_export import STORY, write_tower
from zhiyin.training.tower_recipe import TowerRecipe
from zhiyin.types import Item
from zhiyin.workflows.rewording import forget_wordings, languages_of, rows_to_reword, with_other_wordings

pytestmark = pytest.mark.slow
DENSE = QUICK.model_copy(update={"method": "dense", "checkpoint": 1e-9, "hidden": 0.3, "judgements": 0})


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as running:
        yield running


def settings_of(server: ChatServer, folder: Path, **said: object) -> Settings:
    told = {"url": server.url, "model": "m", "attempts": 1, "batch": 4, "at_once": 1} | said
    recipe = DENSE.model_copy(update={"back_translation": BackTranslationRecipe.model_validate(told)})
    return Settings(tower=recipe, folder=folder)


def asked_of(settings: Settings, recipe: TowerRecipe | None = None) -> Assignment:
    folder = settings.folder
    return assignment(folder, recipe or settings.tower, keep=folder / "keep")


def weights_of(asked: Assignment) -> dict[str, bytes]:
    return {name: one.tobytes() for name, one in adapt(asked).weights.items()}


class Interrupted:
    """Progress that ends the run at a step of learning."""

    def __init__(self) -> None:
        self._learning = False

    def start(self, title: str, total: float) -> None:
        self._learning = title.startswith("turning")

    def advance(self, done: float, note: str = "") -> None:
        if self._learning and done == 7:
            raise KeyboardInterrupt

    def done(self) -> None:
        pass


def test_only_texts_of_the_catalogue_are_sent_and_none_that_is_hidden_or_typed(
    server: ChatServer, tmp_path: Path
) -> None:
    settings = settings_of(server, tmp_path)
    asked = asked_of(settings)
    typed = replace(asked.past, typed=(Typed(0, "something private", 0),))
    found = with_other_wordings(settings, replace(asked, past=typed))
    texts = {text for text, target in server.texts if target == "French"}
    past = asked.past
    may = {text for text, hidden in zip(past.texts, past.hidden, strict=True) if text and not hidden}
    assert texts <= may
    assert len(texts) > 10
    assert "private" not in str(server.asked)
    assert "u1" not in str(server.asked), "nobody's name"
    assert found.wordings
    for row, some in found.wordings.items():
        assert not past.hidden[row]
        assert some == (" ".join(f"{word}-ish" for word in past.texts[row].split(" ")),)


def test_who_is_taken_most_is_sent_first_and_what_nobody_takes_only_for_wishes(tmp_path: Path) -> None:
    asked = assignment(tmp_path, QUICK.model_copy(update={"hidden": 0.3}))
    rows, support = rows_to_reword(asked), asked.past.support
    assert not np.diff(support[rows]).max(initial=-1) > 0
    assert (support[rows] > 0).all()
    assert not asked.past.hidden[rows].any()
    wishes = replace(asked, recipe=asked.recipe.model_copy(update={"tasks": ("next", "wish")}))
    told = np.array([bool(text) for text in asked.past.texts])
    assert sorted(rows_to_reword(wishes)) == np.flatnonzero(told & ~asked.past.hidden).tolist()


def test_an_item_is_in_its_own_language_or_in_that_of_the_shop() -> None:
    items = [Item("a"), Item("b", language="de")]
    plain = BackTranslationRecipe()
    assert languages_of(items, plain, "en") == ["English", "German"]
    assert languages_of(items, plain, "other") == ["", "German"]
    assert languages_of(items, BackTranslationRecipe(own="nl"), "other") == ["Dutch", "German"]


def test_what_is_not_said_is_told_before_anything_is_sent(server: ChatServer, tmp_path: Path) -> None:
    settings = settings_of(server, tmp_path, model="")
    with pytest.raises(InvalidSettings, match=r"needs tower\.back_translation\.model"):
        with_other_wordings(settings, asked_of(settings))
    settings = settings_of(server, tmp_path).model_copy(update={"language": "other"})
    with pytest.raises(InvalidSettings, match=r"tower\.back_translation\.own"):
        with_other_wordings(settings, asked_of(settings))
    assert not server.asked


def test_the_dense_layer_learns_of_other_wordings_which_are_read_once(
    server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(server, tmp_path)
    asked = with_other_wordings(settings, asked_of(settings))
    turned, drawn = Turning._turned, set[str]()
    monkeypatch.setattr(Turning, "_turned", lambda own, texts: (drawn.update(texts), turned(own, texts))[1])
    worded = weights_of(asked)
    assert any("-ish" in text for text in drawn)
    assert not any("~" in text for text in drawn), "no text in another language"
    assert worded != weights_of(replace(asked, reworded=None))
    assert worded == weights_of(asked), "from its checkpoint"


def test_a_tower_tells_what_was_sent_and_what_came_of_it_and_never_the_key(
    server: ChatServer, tmp_path: Path
) -> None:
    settings = settings_of(server, tmp_path, key="a-secret")
    asked = with_other_wordings(settings, asked_of(settings))
    folder = write_tower(tmp_path / "towers", asked, adapt(asked))
    story = orjson.loads((folder / STORY).read_bytes())
    assert story["reworded"]["items"] == len(asked.wordings)
    assert story["reworded"]["fates"] == {"usable": len(asked.wordings)}
    assert story["reworded"]["requests"] == len(server.asked)
    assert story["recipe"]["back_translation"]["model"] == "m"
    assert "key" not in story["recipe"]["back_translation"]
    assert "m at http://127" in (folder / "README.md").read_text()
    assert set(server.keys) == {"Bearer a-secret"}
    for file in tmp_path.rglob("*"):
        assert file.is_dir() or b"a-secret" not in file.read_bytes(), file


def test_a_run_that_ended_goes_on_with_what_it_began_with_though_more_could_be_had(
    server: ChatServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_of(server, tmp_path)
    server.faults.extend([Fault(), Fault(), Fault(401)])
    begun = with_other_wordings(settings, asked_of(settings))
    assert begun.reworded is not None
    assert len(begun.wordings) == 4
    assert "ZHIYIN_TOWER__BACK_TRANSLATION__KEY" in begun.reworded.why
    whole = weights_of(replace(begun, keep=None))
    with pytest.raises(KeyboardInterrupt):
        adapt(replace(begun, progress=Interrupted()))
    sent = len(server.asked)
    again = with_other_wordings(settings, asked_of(settings))
    assert again.reworded == begun.reworded
    assert len(server.asked) == sent
    assert "it goes on with the other wordings of 4 items" in caplog.messages[-1]
    assert weights_of(again) == whole
    forget_wordings(again)
    anew = with_other_wordings(settings, asked_of(settings))
    assert len(anew.wordings) > 4
    assert anew.path("safetensors") != begun.path("safetensors"), "another training"


@pytest.mark.parametrize("change", [{"languages": ("de",)}, {"budget_day": 10**7}])
def test_a_run_that_ended_asks_again_where_something_else_is_asked_for(
    server: ChatServer, tmp_path: Path, change: dict[str, object]
) -> None:
    settings = settings_of(server, tmp_path)
    server.faults.extend([Fault(), Fault(), Fault(500)])
    begun = with_other_wordings(settings, asked_of(settings))
    with pytest.raises(KeyboardInterrupt):
        adapt(replace(begun, progress=Interrupted()))
    other = settings_of(server, tmp_path, **change)
    assert len(with_other_wordings(other, asked_of(other)).wordings) > 4


def test_a_run_that_left_no_checkpoint_asks_again(server: ChatServer, tmp_path: Path) -> None:
    settings = settings_of(server, tmp_path)
    server.faults.append(Fault(500))
    assert not with_other_wordings(settings, asked_of(settings)).wordings
    assert len(with_other_wordings(settings, asked_of(settings)).wordings) > 4


def test_without_an_address_nothing_is_asked_and_the_work_has_its_old_name(tmp_path: Path) -> None:
    settings = Settings(tower=DENSE, folder=tmp_path)
    asked = asked_of(settings)
    assert with_other_wordings(settings, asked) is asked
    none = replace(asked, reworded=Reworded({}, {"not asked": 3}, why="nobody there"))
    assert none.path("x") == asked.path("x")
    assert not (tmp_path / "cache").exists()
