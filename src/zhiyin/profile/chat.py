"""A language model that words profiles, at an address that speaks the chat protocol of OpenAI.

What goes there is the sentences of the templates: what stands out of the past, what was searched. No id goes
along, no count, and nothing of what the person said themselves. What comes back is taken sentence by sentence,
and only where it keeps to the facts (zhiyin.profile.checking). An address that does not answer in time, or not
in sentences, leaves all lines as they are.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from time import monotonic
from urllib.error import URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import orjson

from zhiyin.profile.checking import keeps_to
from zhiyin.profile.phrasing import Phrased, as_templates
from zhiyin.profile.traits import Language
from zhiyin.profile.wording import Wording

logger = logging.getLogger(__name__)

MOST_BYTES, PIECE = 262_144, 65_536  # of an answer
TASK = (
    "Rewrite each sentence of the list so that it reads naturally, in {language}. Keep every quoted value exactly "
    "as it is. Add nothing: no fact, number, name, guess or advice. Answer with a JSON list of as many strings, "
    "nothing else."
)
NAMES = {"en": "English", "zh": "Simplified Chinese"}


class _Stay(HTTPRedirectHandler):
    """The lines and the key go to the address of the settings and nowhere else."""

    def redirect_request(self, *_: object) -> None:
        return None


@dataclass(frozen=True, slots=True)
class ChatPhraser:
    """Asks once for all lines of a profile."""

    url: str  # up to and with /v1
    model: str
    key: str = ""
    timeout: float = 5.0  # seconds

    def phrase(self, lines: Sequence[Wording], language: Language) -> Sequence[tuple[str, Phrased]]:
        """The model's sentence where it keeps to the facts, the template's elsewhere."""
        said = self._ask(lines, language) if lines else []
        if len(said) != len(lines):
            return as_templates(lines)
        return [
            (sentence.strip(), "model") if keeps_to(sentence, line.facts) else (line.sentence, "template")
            for line, sentence in zip(lines, said, strict=True)
        ]

    def _ask(self, lines: Sequence[Wording], language: Language) -> list[str]:
        """Sentences, as many as it sends; none where it does not answer as asked."""
        try:
            until = monotonic() + self.timeout
            with build_opener(_Stay).open(self._request(lines, language), timeout=self.timeout) as answer:
                return _sentences(_read(answer, until))
        except (URLError, HTTPException, OSError, ValueError) as error:  # ValueError: no address, no JSON
            logger.warning("profiles stay in the words of the templates: %s", error)
            return []

    def _request(self, lines: Sequence[Wording], language: Language) -> Request:
        told = [line.sentence for line in lines]
        messages = [
            {"role": "system", "content": TASK.format(language=NAMES[language])},
            {"role": "user", "content": orjson.dumps(told).decode()},
        ]
        body = orjson.dumps({"model": self.model, "messages": messages, "temperature": 0})
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        return Request(f"{self.url.rstrip('/')}/chat/completions", body, headers, method="POST")


def _read(answer: HTTPResponse, until: float) -> bytes:
    """The body, of which at most MOST_BYTES are read. Raises TimeoutError where it trickles."""
    body = b""
    while len(body) < MOST_BYTES and (piece := answer.read1(PIECE)):
        body += piece
        if monotonic() > until:
            raise TimeoutError("the answer takes too long")
    return body


def _sentences(answer: bytes) -> list[str]:
    """The list of texts in an answer. Raises ValueError for anything else."""
    try:
        content = orjson.loads(answer)["choices"][0]["message"]["content"]
        said = orjson.loads(content.strip().removeprefix("```json").removeprefix("```").removesuffix("```"))
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"the answer has no message: {error!r}") from None
    if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
        raise ValueError("the message is no list of sentences")
    return said
