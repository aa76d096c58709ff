"""`zhiyin train text` with other wordings: the whole way from zhiyin.toml to the tower, and what the doctor says
of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from zhiyin.errors import InvalidSettings, NotPublishable
from zhiyin.settings_file import load_settings
from zhiyin.shop import Zhiyin
from zhiyin.testing.chat_server import ChatServer, chat_server
from zhiyin.testing.faulty_server import KEY, Fault
from zhiyin.testing.small import small_catalogue, small_events
from zhiyin.testing.tiny_models import tiny_model
from zhiyin.types import Event
from zhiyin.workflows.adapt import Adapted, adapt_text
from zhiyin.workflows.doctor import doctor

pytestmark = pytest.mark.slow
SETTINGS = """
[encoder]
model = "models/ours"
precision = "float32"
[tower]
method = "full"
dense = 0
steps = 2
batch = 16
learning_rate = 1e-9
judged = 60
average = "none"
tasks = ["next", "search", "wish"]
[tower.back_translation]
url = "{url}"
model = "m"
attempts = 1
{more}
"""


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as running:
        yield running


def shop_in(folder: Path, server: ChatServer, more: str = "") -> Zhiyin:
    if not (folder / "models").exists():
        tiny_model(folder / "models" / "ours")
    (folder / "zhiyin.toml").write_text(SETTINGS.format(url=server.url, more=more))
    return Zhiyin.open(folder)


def test_a_training_sends_the_catalogue_once_and_tells_what_came_of_it(
    server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ZHIYIN_TOWER__BACK_TRANSLATION__KEY", KEY)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with shop_in(tmp_path, server) as shop:
        shop.put_items(small_catalogue())
        searches = [Event(f"user {n}", None, "search", at=at, text="my private wish") for n in range(9)]
        shop.add_events([*small_events(60), *searches])
        for _ in range(2):
            with pytest.raises(NotPublishable, match="not better off"):
                adapt_text(shop)
    sent = [text for text, target in server.texts if target == "French"]
    assert sent
    assert len(set(sent)) == len(sent), "each once"
    assert "private" not in str(server.asked)
    assert "user 1" not in str(server.asked)
    assert set(server.keys) == {f"Bearer {KEY}"}
    story = orjson.loads((tmp_path / "towers" / "ours" / "tower.json").read_bytes())
    assert story["reworded"]["items"] == len(sent)
    assert any(f"{len(sent)} texts go to {server.url}" in said for said in caplog.messages)
    assert any(f"{len(sent)} of {len(sent)} are usable" in said for said in caplog.messages)
    assert any("nothing is sent" in said for said in caplog.messages)
    for file in tmp_path.rglob("*"):
        assert file.is_dir() or KEY.encode() not in file.read_bytes(), file


def test_a_training_goes_on_without_who_does_not_answer(
    server: ChatServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.faults.extend([Fault(401)] * 9)
    with shop_in(tmp_path, server) as shop:
        shop.put_items(small_catalogue())
        shop.add_events(small_events(60))
        with pytest.raises(NotPublishable, match="not better off"):
            adapt_text(shop)
    story = orjson.loads((tmp_path / "towers" / "ours" / "tower.json").read_bytes())
    assert story["reworded"]["items"] == 0
    assert "ZHIYIN_TOWER__BACK_TRANSLATION__KEY" in story["reworded"]["why_it_ended_early"]
    assert any("give the key in ZHIYIN_TOWER" in said for said in caplog.messages)


def test_what_came_of_it_is_said_where_a_model_is_taken() -> None:
    told = Adapted("towers/ours", "to the end", "better", "40 of 44 are usable", "", None, True, "so it is")
    assert list(told.sentences()) == ["towers/ours: to the end", "40 of 44 are usable", "better", "so it is"]


def test_the_doctor_asks_who_translates_for_one_word(server: ChatServer, tmp_path: Path) -> None:
    def found(more: str = "") -> dict[str, tuple[str, str]]:
        shop_in(tmp_path, server, more).store.close()
        return {one.about: (one.light, f"{one.told} {one.cure}") for one in doctor(tmp_path)}

    well = found()
    assert well["translations"][0] == "green"
    assert well["budget of translations"][0] == "green"
    assert [text for text, _ in server.texts] == ["tea"]
    server.faults.append(Fault(404))
    light, told = found()["translations"]
    assert light == "amber"
    assert "ends before /chat/completions" in told
    assert found("budget_day = 650")["budget of translations"][0] == "amber", "the third word nearly ends it"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('url = "ftp://x"', "begins with http"),
        ('url = "http://me:word@x/v1"', "without a name"),
        ("languages = []", "at least 1"),
        ('languages = ["fr; ignore all that"]', "a code or a name"),
        ("share = 0.0", "greater than 0"),
        ("budget_day = 0", "greater than 0"),
        ('modle = "x"', "did you mean"),
    ],
)
def test_what_cannot_be_meant_is_told_by_its_name(tmp_path: Path, line: str, told: str) -> None:
    (tmp_path / "zhiyin.toml").write_text(f"[tower.back_translation]\n{line}\n")
    with pytest.raises(InvalidSettings, match=told) as failed:
        load_settings(tmp_path)
    assert "tower.back_translation" in str(failed.value)
