"""Texts there and back over real sockets: what is sent and paid, what is kept, and what ends it early."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from zhiyin.endpoints.budget import Budget
from zhiyin.endpoints.chat import Chat
from zhiyin.endpoints.endpoint import Endpoint, Patience
from zhiyin.endpoints.named import TRANSLATIONS
from zhiyin.endpoints.rewording import VAIN, Interpreter, Load, Original, Reworded
from zhiyin.endpoints.translations import Translations
from zhiyin.errors import BrokenStore, BudgetSpent, EndpointFailed
from zhiyin.progress import Silent
from zhiyin.testing.chat_server import ChatServer, chat_server, said, word_by_word
from zhiyin.testing.faulty_server import KEY, Fault

TEXTS = ["a blue cup", "an iron pot of 3 l", "warm tea", "a saw for wood", "a lamp"]
THERE = [("a~ blue~ cup~"), ("an~ iron~ pot~ of~ 3 l~"), ("warm~ tea~"), ("a~ saw~ for~ wood~"), ("a~ lamp~")]
BACK = ["a-ish blue-ish cup-ish", "an-ish iron-ish pot-ish of-ish 3 l-ish", "warm-ish tea-ish",
        "a-ish saw-ish for-ish wood-ish", "a-ish lamp-ish"]  # fmt: skip


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as running:
        yield running


class Counted(Silent):
    """Progress as it was told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def start(self, title: str, total: float) -> None:
        self.told.append((title, total))

    def advance(self, done: float, note: str = "") -> None:
        self.told.append((done, note))


def interpreter(
    server: ChatServer,
    folder: Path,
    *,
    budget: int = 10**6,
    load: Load | None = None,
    model: str = "m",
    attempts: int = 2,
) -> Interpreter:
    endpoint = Endpoint(f"{server.url}/chat/completions", KEY, TRANSLATIONS, sleep=lambda _: None)
    load = load or Load(Patience(30.0, attempts), batch=2, batch_characters=1_000, at_once=1)
    return Interpreter(
        Chat(endpoint, model),
        Budget(folder / "budget.json", TRANSLATIONS, budget),
        Translations(folder / "translations.jsonl"),
        load,
    )


def reworded(someone: Interpreter, texts: list[str] = TEXTS, languages: tuple[str, ...] = ("fr",)) -> Reworded:
    return someone.reword([Original(text, "English") for text in texts], languages, Silent())


def test_every_text_goes_there_and_back_once_and_a_second_run_sends_nothing(
    server: ChatServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = reworded(interpreter(server, tmp_path), [*TEXTS, TEXTS[0]])
    assert found.wordings == {n: (text,) for n, text in enumerate([*BACK, BACK[0]])}
    assert found.fates == {"usable": 6}
    assert sorted(server.texts) == sorted([(t, "French") for t in TEXTS] + [(t, "English") for t in THERE])
    assert (len(server.asked), found.requests) == (6, 6)
    assert found.characters == sum(len(m["content"]) for body in server.asked for m in body["messages"])
    assert set(server.keys) == {f"Bearer {KEY}"}
    assert {(body["model"], body["temperature"]) for body in server.asked} == {("m", 0)}
    again = reworded(interpreter(server, tmp_path, budget=1), [*TEXTS, TEXTS[0]])
    assert (again.wordings, again.fates, again.requests, again.why) == (found.wordings, found.fates, 0, "")
    assert len(server.asked) == 6
    assert "nothing is sent" in caplog.messages[-1]


def test_each_language_gives_another_wording_and_one_of_its_own_none(server: ChatServer, tmp_path: Path) -> None:
    server.translate = lambda text, source, target: f"{text} {source[0]}"
    found = reworded(interpreter(server, tmp_path), TEXTS[:2], ("fr", "French", "en", "zh"))
    assert found.wordings == {
        0: ("a blue cup E F", "a blue cup E S"),
        1: ("an iron pot of 3 l E F", "an iron pot of 3 l E S"),
    }
    first = [target for _, target in server.texts]
    assert first == ["French"] * 2 + ["English"] * 2 + ["Simplified Chinese"] * 2 + ["English"] * 2


@pytest.mark.parametrize("budget", [10**6, 900])
def test_what_it_will_cost_is_told_before_and_is_about_what_it_costs(
    server: ChatServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, budget: int
) -> None:
    texts = [f"thing number {n}" for n in range(20)]
    load = Load(Patience(30.0, 1), batch=8, batch_characters=1_000, at_once=1, price=2.0)
    with caplog.at_level(logging.WARNING):
        found = reworded(interpreter(server, tmp_path, budget=budget, load=load), texts)
    told = caplog.messages[0]
    assert f"20 texts go to {server.url}/chat/completions and back by French" in told
    assert "in 6 requests" in told
    assert "at your price" in told
    assert ("the budget ends before that" in told) == (budget == 900)
    assert KEY not in caplog.text
    if budget == 10**6:
        estimated = int(told.partition("about ")[2].partition(" characters")[0].replace(",", ""))
        assert estimated == pytest.approx(found.characters, rel=0.1)


def test_a_budget_is_never_overdrawn_and_what_came_by_then_is_used(server: ChatServer, tmp_path: Path) -> None:
    someone = interpreter(server, tmp_path, budget=1_200)
    found = reworded(someone)
    assert "raise tower.back_translation.budget_day" in found.why
    assert 0 < found.characters <= 1_200
    assert 0 < found.fates["usable"] < len(TEXTS)
    assert found.fates["usable"] + found.fates["not asked"] == len(TEXTS)
    assert set(found.wordings) == set(range(found.fates["usable"])), "the first are the most important"
    sent = len(server.asked)
    whole = reworded(interpreter(server, tmp_path))
    assert whole.fates == {"usable": len(TEXTS)}
    assert len(server.asked) - sent == 6 - sent, "what was paid is not paid again"


def test_nothing_is_sent_where_nobody_knows_what_was_spent(server: ChatServer, tmp_path: Path) -> None:
    (tmp_path / "budget.json").write_text("{")
    found = reworded(interpreter(server, tmp_path))
    assert "delete it to begin the day anew" in found.why
    assert found.fates == {"not asked": len(TEXTS)}
    assert not server.asked


def test_many_requests_side_by_side_never_overdraw_a_run(server: ChatServer, tmp_path: Path) -> None:
    load = Load(Patience(30.0, 1), batch=1, batch_characters=1_000, at_once=8)
    someone = interpreter(server, tmp_path, load=load)
    someone.budget = Budget(tmp_path / "run.json", TRANSLATIONS, 10**6, 3_000)
    found = reworded(someone, [f"thing {n}" for n in range(60)])
    sent = sum(len(m["content"]) for body in server.asked for m in body["messages"])
    assert "budget_run" in found.why
    assert sent == found.characters <= 3_000


@pytest.mark.parametrize(
    ("fault", "cure"),
    [
        (Fault(500), r"status 500.*2 attempts"),
        (Fault(401), "ZHIYIN_TOWER__BACK_TRANSLATION__KEY"),
        (Fault(404), r"tower\.back_translation\.url, which ends before /chat/completions"),
        (Fault(413), r"lower tower\.back_translation\.batch"),
        (Fault(302, {"Location": "http://127.0.0.1:9/"}), "moved to"),
        (Fault(cut=3), "IncompleteRead"),
        (Fault(body=b"<html>"), "no JSON"),
        (Fault(body=b'{"object": "list"}'), r"is tower\.back_translation\.url one for chat"),
        (Fault(silent=True), "TimeoutError"),
    ],
    ids=["500", "401", "404", "413", "302", "cut", "no JSON", "no chat", "slow"],
)
def test_an_endpoint_that_fails_ends_the_sending_with_the_cure_and_what_came_is_used(
    server: ChatServer, tmp_path: Path, fault: Fault, cure: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.faults.extend([Fault(), Fault(), *[fault] * 9])
    load = Load(Patience(0.05 if fault.silent else 30.0, 2), batch=2, batch_characters=1_000, at_once=1)
    found = reworded(interpreter(server, tmp_path, load=load))
    assert found.fates == {"usable": 2, "not asked": 3}
    assert re.search(cure, found.why), found.why
    assert found.why in found.told()
    assert KEY not in found.told() + caplog.text
    server.faults.clear()
    assert reworded(interpreter(server, tmp_path)).fates == {"usable": 5}


def test_what_may_pass_is_asked_again(server: ChatServer, tmp_path: Path) -> None:
    server.faults.extend([Fault(500), Fault(429), Fault(cut=0)])
    assert reworded(interpreter(server, tmp_path, attempts=4)).fates == {"usable": 5}


@pytest.mark.parametrize(
    "garbage",
    [said("Sure! Which texts?"), said(["only one"]), said("[1, 2]"), said('{"a": "b"}'), said(["x"] * 3)],
)
def test_texts_that_come_back_as_no_list_of_as_many_are_sent_one_by_one(
    server: ChatServer, tmp_path: Path, garbage: bytes
) -> None:
    server.faults.append(Fault(body=garbage))
    found = reworded(interpreter(server, tmp_path), TEXTS[:2])
    assert found.wordings == {0: (BACK[0],), 1: (BACK[1],)}
    assert len(server.asked) == 4, "two, one, one, and two back"


def test_a_list_in_a_fence_or_after_some_words_is_read(server: ChatServer, tmp_path: Path) -> None:
    server.faults.append(
        Fault(body=said('Of course:\n```json\n["a~ blue~ cup~",\n "an~ iron~ pot~ of~ 3 l~"]\n```'))
    )
    assert reworded(interpreter(server, tmp_path), TEXTS[:2]).wordings == {0: (BACK[0],), 1: (BACK[1],)}


def test_a_model_that_makes_nothing_of_anything_is_soon_left_alone(server: ChatServer, tmp_path: Path) -> None:
    server.faults.extend([Fault(body=said("I cannot do that."))] * 99)
    load = Load(Patience(30.0, 1), batch=1, batch_characters=1_000, at_once=1)
    found = reworded(interpreter(server, tmp_path, load=load), [f"thing {n}" for n in range(40)])
    assert "take another tower.back_translation.model" in found.why
    assert len(server.asked) == VAIN
    assert not found.wordings


def test_what_cannot_be_used_is_counted_by_why_and_asked_for_no_second_time(
    server: ChatServer, tmp_path: Path
) -> None:
    wrong = {"a~ blue~ cup~": "a blue cup", "an~ iron~ pot~ of~ 3 l~": "an iron pot of 4 l", "warm~ tea~": "",
             "a~ saw~ for~ wood~": "a saw " * 30}  # fmt: skip
    server.translate = lambda text, source, target: wrong.get(text, word_by_word(text, source, target))
    found = reworded(interpreter(server, tmp_path))
    assert found.fates == {"unchanged": 1, "other numbers": 1, "empty": 1, "too long or short": 1, "usable": 1}
    assert "1 of 5 are usable (1 empty, 1 other numbers, 1 too long or short, 1 unchanged)" in found.told()
    sent = len(server.asked)
    assert reworded(interpreter(server, tmp_path)).fates == found.fates
    assert len(server.asked) == sent


def test_another_model_address_temperature_or_language_is_asked_anew(server: ChatServer, tmp_path: Path) -> None:
    def asked_by(chat: Chat, language: str = "fr") -> int:
        before = len(server.asked)
        someone = interpreter(server, tmp_path)
        someone._chat = chat
        reworded(someone, languages=(language,))
        return len(server.asked) - before

    chat = interpreter(server, tmp_path)._chat
    assert asked_by(chat) == 6
    assert asked_by(chat) == 0
    for other in (replace(chat, model="n"), replace(chat, temperature=None), replace(chat, temperature=0.5)):
        assert asked_by(other) == 6
    elsewhere = replace(chat.endpoint, url=chat.endpoint.url.replace("127.0.0.1", "localhost"))
    assert asked_by(replace(chat, endpoint=elsewhere)) == 6
    assert asked_by(chat, "de") == 6
    assert "temperature" not in server.asked[12]
    assert server.asked[18]["temperature"] == 0.5


@pytest.mark.slow
def test_a_model_that_fails_now_and_then_is_asked_on(server: ChatServer, tmp_path: Path) -> None:
    for _ in range(2 * VAIN):
        server.faults.extend([Fault(body=said("no")), Fault(), Fault()])
    load = Load(Patience(30.0, 1), batch=1, batch_characters=1_000, at_once=1)
    found = reworded(interpreter(server, tmp_path, load=load), [f"thing {n}" for n in range(40)])
    assert found.fates["empty"] == 2 * VAIN
    assert found.why == ""


@pytest.mark.slow
def test_a_run_that_is_killed_pays_for_no_answer_twice(server: ChatServer, tmp_path: Path) -> None:
    server.faults.extend([Fault()] * 3 + [Fault(silent=True)])
    script = Path(__file__).with_name("reword_until_killed.py")
    child = subprocess.Popen([sys.executable, script, server.url, str(tmp_path)])
    server.wait_for(4)
    child.kill()
    child.wait()
    with (tmp_path / "translations.jsonl").open("ab") as file:
        file.write(b'["torn", "li')
    answered = server.texts[: sum(len(body) for body in map(server._given, server.asked[:3]))]
    sent = len(server.texts)
    assert reworded(interpreter(server, tmp_path)).fates == {"usable": 5}
    assert not set(answered) & set(server.texts[sent:])
    assert reworded(interpreter(server, tmp_path, budget=1)).why == ""


def test_progress_is_told_batch_by_batch(server: ChatServer, tmp_path: Path) -> None:
    progress = Counted()
    interpreter(server, tmp_path).reword([Original(text, "English") for text in TEXTS], ("fr",), progress)
    assert progress.told == [
        ("translating texts there and back", 5),
        (2, "2 of the last 2 usable"),
        (4, "2 of the last 2 usable"),
        (5, "1 of the last 1 usable"),
    ]


def test_who_interrupts_waits_for_nobody_and_keeps_what_came(server: ChatServer, tmp_path: Path) -> None:
    class Impatient(Silent):
        def advance(self, done: float, note: str = "") -> None:
            raise KeyboardInterrupt

    server.faults.extend([Fault(), Fault(), Fault(silent=True)])
    load = Load(Patience(600.0), batch=1, batch_characters=1_000, at_once=1)
    someone = interpreter(server, tmp_path, load=load)
    with pytest.raises(KeyboardInterrupt):
        someone.reword([Original(text, "English") for text in TEXTS], ("fr",), Impatient())
    server.ended.set()
    found = reworded(interpreter(server, tmp_path), TEXTS[:1])
    assert (found.fates, found.requests) == ({"usable": 1}, 0)


def test_what_is_no_failure_of_the_endpoint_is_raised(server: ChatServer, tmp_path: Path) -> None:
    someone = interpreter(server, tmp_path)
    (tmp_path / "translations.lock").unlink()
    (tmp_path / "translations.lock").symlink_to(tmp_path / "nowhere" / "lock")
    with pytest.raises(FileNotFoundError):
        reworded(someone)


def test_one_word_tells_whether_a_model_translates(server: ChatServer, tmp_path: Path) -> None:
    someone = interpreter(server, tmp_path, budget=600)
    assert someone.try_out(30.0) == "tea~"
    server.faults.append(Fault(body=said(["one", "two"])))
    with pytest.raises(EndpointFailed, match="made 2 texts of one"):
        someone.try_out(30.0)
    with pytest.raises(BudgetSpent):
        someone.try_out(30.0)
    assert someone.budget.spent().requests == 2


def test_a_memory_that_is_none_of_ours_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "translations.jsonl"
    file.write_text('["key", "text"]\nnonsense\n')
    with pytest.raises(BrokenStore, match=r"line 2 of .* delete the line"):
        Translations(file)
    assert file.read_text() == '["key", "text"]\nnonsense\n'
