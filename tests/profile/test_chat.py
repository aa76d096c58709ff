"""A phraser at an address, against a real server that obeys, lies, adds, breaks off, redirects and sleeps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from zhiyin.profile.chat import ChatPhraser
from zhiyin.profile.lines import Evidence, Line
from zhiyin.profile.traits import Trait
from zhiyin.profile.wording import worded

LINES = [
    worded(
        Line(Trait("category", "Garden"), "likes", "lasting", Evidence(("a",), 4, 5, 4, 0.8, 0.1, "people")), "en"
    ),
    worded(
        Line(Trait("brand", "Acorn"), "dislikes", "unknown", Evidence(("b",), 2, 2, 2, 1.0, 0.1, "people")), "en"
    ),
]
TEMPLATES = [(line.sentence, "template") for line in LINES]
Answer = Callable[[BaseHTTPRequestHandler], None]


class Model:
    """A server; `asked` is what it was sent."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[tuple[str, dict[str, str], dict[str, object]]] = []
        self.enough = Event()  # a sleeper may wake
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                model.asked.append((self.path, dict(self.headers), body))
                answer(self)

            def log_message(self, *_: object) -> None:
                """Nothing on the terminal."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"


@contextmanager
def model(answer: Answer) -> Iterator[Model]:
    made = Model(answer)
    thread = Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield made
    finally:
        made.enough.set()
        made.server.shutdown()
        thread.join()
        made.server.server_close()


def sends(body: bytes, status: int = 200, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def says(*sentences: str) -> Answer:
    return sends(json.dumps({"choices": [{"message": {"content": json.dumps(sentences)}}]}).encode())


def test_sentences_that_keep_to_the_facts_are_taken_and_told_as_the_models() -> None:
    with model(says("Garden is what you keep coming back to.", "You avoid the brand “Acorn”.")) as server:
        phrased = ChatPhraser(server.url, "small", "secret").phrase(LINES, "en")
    assert phrased == [
        ("Garden is what you keep coming back to.", "model"),
        ("You avoid the brand “Acorn”.", "model"),
    ]
    ((path, headers, body),) = server.asked
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == "Bearer secret"
    assert (body["model"], body["temperature"]) == ("small", 0)
    sent = json.dumps(body)
    assert "80" not in sent, "no count and no share goes there"


def test_a_lie_falls_back_to_the_template_line_by_line() -> None:
    with model(says("You love Garden and hate your neighbours.", "You avoid the brand “Acorn”.")) as server:
        phrased = ChatPhraser(server.url, "small").phrase(LINES, "en")
    assert phrased == [TEMPLATES[0], ("You avoid the brand “Acorn”.", "model")]
    assert "Authorization" not in server.asked[0][1]


@pytest.mark.parametrize(
    "answer",
    [
        says("You love Garden."),
        says("You love Garden.", "You avoid the brand “Acorn”.", "And you like more."),
        sends(b"{"),
        sends(b"[]"),
        sends(b'{"choices": []}'),
        sends(b'{"choices": [{"message": {"content": null}}]}'),
        sends(b'{"choices": [{"message": {"content": "[1, 2]"}}]}'),
        sends(b'{"choices": [{"message": {"content": "Sure! Here you are"}}]}'),
        sends(b"x" * 300_000),
        sends(b"no", 500),
        sends(b"no", 401),
        sends(b"", 302, Location="http://127.0.0.1:9/v1/chat/completions"),
        lambda handler: handler.connection.close(),
    ],
)
def test_whatever_else_is_answered_leaves_the_templates(answer: Answer) -> None:
    with model(answer) as server:
        assert ChatPhraser(server.url, "small").phrase(LINES, "en") == TEMPLATES
        assert len(server.asked) == 1


def test_a_model_that_sleeps_is_not_waited_for() -> None:
    with model(lambda handler: made[0].enough.wait(30) and None) as server:
        made = [server]
        assert ChatPhraser(server.url, "small", timeout=0.05).phrase(LINES, "en") == TEMPLATES


def test_an_answer_that_trickles_is_not_waited_for() -> None:
    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while not made[0].enough.wait(0.02):
            handler.wfile.write(b" ")

    with model(trickle) as server:
        made = [server]
        assert ChatPhraser(server.url, "small", timeout=0.1).phrase(LINES, "en") == TEMPLATES


def test_nobody_there_and_nothing_to_say() -> None:
    assert ChatPhraser("http://127.0.0.1:9/v1", "small").phrase(LINES, "en") == TEMPLATES
    assert ChatPhraser("http://127.0.0.1:9/v1", "small").phrase([], "en") == []


def test_a_list_within_a_fence_is_read() -> None:
    content = (
        "```json\n"
        + json.dumps(["You love Garden, you keep coming back.", "You avoid the brand Acorn."])
        + "\n```"
    )
    with model(sends(json.dumps({"choices": [{"message": {"content": content}}]}).encode())) as server:
        phrased = ChatPhraser(server.url, "small").phrase(LINES, "en")
    assert [by for _, by in phrased] == ["model", "model"]
