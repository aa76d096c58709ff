"""A server of this machine that speaks as OpenAI's endpoint for chats does, translates word by word, and
misbehaves when told to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from zhiyin.testing.faulty_server import Fault, FaultyServer, running

Translate = Callable[[str, str, str], str]
_PAIR = re.compile(r"from (.+?) into (.+?)\.")


def word_by_word(text: str, source: str, target: str) -> str:
    """Into another language by a mark on every word that is no number; back by another mark, so that nothing is as
    it was."""
    words = text.split(" ")
    if target == "English":
        return " ".join(word.replace("~", "-ish") for word in words)
    return " ".join(word if any(map(str.isdigit, word)) else f"{word}~" for word in words)


@dataclass
class ChatServer(FaultyServer):
    """Takes a list of texts, and gives as many."""

    translate: Translate = word_by_word

    @property
    def path(self) -> str:
        return "/chat/completions"

    @property
    def texts(self) -> list[tuple[str, str]]:
        """All that were sent, each with the language that it was to become, in order."""
        return [(text, self._pair(body)[1]) for body in self.asked for text in self._given(body)]

    def answer(self, body: dict[str, Any], fault: Fault) -> bytes:
        source, target = self._pair(body)
        return said([self.translate(text, source, target) for text in self._given(body)])

    def _given(self, body: dict[str, Any]) -> list[str]:
        found: list[str] = json.loads(body["messages"][1]["content"])
        return found

    def _pair(self, body: dict[str, Any]) -> tuple[str, str]:
        found = _PAIR.search(body["messages"][0]["content"])
        return (found[1], found[2]) if found else ("", "")


def said(content: Sequence[str] | str) -> bytes:
    """The body of an answer that holds this list, or these words."""
    told = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": told}}]}).encode()


@contextmanager
def chat_server(translate: Translate = word_by_word) -> Iterator[ChatServer]:
    """It runs in a thread, and ends with the block."""
    with running(ChatServer(translate=translate)) as server:
        yield server
