"""A language model at an address that speaks the chat protocol of OpenAI: a list of texts in, a list of texts out.

Profiles are worded and texts are translated by the same few lines: one task for all texts of a request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from zhiyin.endpoints.endpoint import Endpoint, Patience
from zhiyin.errors import EndpointFailed

LARGEST = 4 << 20  # bytes of an answer: texts, no vectors


class Garbled(EndpointFailed):
    """The model said something that is no list of texts: of other texts, or asked again, it may say one."""


@dataclass(frozen=True, slots=True)
class Chat:
    """Safe to share between threads."""

    endpoint: Endpoint
    model: str
    temperature: float | None = 0.0  # None: what the model takes by itself

    def listed(self, task: str, texts: Sequence[str], patience: Patience) -> list[str]:
        """The texts that it makes of these, as many as it sends: whoever asked counts them.

        Raises EndpointFailed, and Garbled where it answers but with no list.
        """
        body: dict[str, object] = {"model": self.model, "messages": list(_messages(task, texts))}
        if self.temperature is not None:
            body["temperature"] = self.temperature
        return _list_in(_content(self.endpoint, self.endpoint.ask(body, patience)))


def size_of(task: str, texts: Sequence[str]) -> int:
    """Characters of a request that a model reads."""
    return sum(len(message["content"]) for message in _messages(task, texts))


def _messages(task: str, texts: Sequence[str]) -> tuple[Mapping[str, str], ...]:
    told = orjson.dumps(list(texts)).decode()
    return {"role": "system", "content": task}, {"role": "user", "content": told}


def _content(endpoint: Endpoint, answer: Mapping[str, Any]) -> str:
    try:
        content = answer["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError) as error:
        url = endpoint.named.setting("url")
        raise EndpointFailed(f"the endpoint {endpoint.url} gave no message: is {url} one for chat?") from error
    if not isinstance(content, str):
        raise Garbled(f"the endpoint {endpoint.url} gave a message without a text: take another model")
    return content


def _list_in(content: str) -> list[str]:
    """The JSON list within a message; many put a fence around it, or a word before."""
    begin, end = content.find("["), content.rfind("]") + 1
    try:
        said = orjson.loads(content[begin:end] if begin >= 0 else b"")
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
        raise Garbled(f"the message is no list of texts: {content[:80]!r}; take another model")
    return said
