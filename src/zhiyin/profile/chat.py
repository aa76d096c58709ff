"""A language model that words profiles, at an address that speaks the chat protocol of OpenAI.

What goes there is the sentences of the templates: what stands out of the past, what was searched. No id goes
along, no count, and nothing of what the person said themselves. What comes back is taken sentence by sentence,
and only where it keeps to the facts (zhiyin.profile.checking). An address that does not answer in time, or not
in sentences, leaves all lines as they are.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from zhiyin.endpoints.chat import LARGEST, Chat
from zhiyin.endpoints.endpoint import Endpoint, Patience
from zhiyin.endpoints.named import PHRASES
from zhiyin.errors import EndpointFailed, InvalidSettings
from zhiyin.profile.checking import keeps_to
from zhiyin.profile.phrasing import Phrased, as_templates
from zhiyin.profile.traits import Language
from zhiyin.profile.wording import Wording

logger = logging.getLogger(__name__)

TASK = (
    "Rewrite each sentence of the list so that it reads naturally, in {language}. Keep every quoted value exactly "
    "as it is. Add nothing: no fact, number, name, guess or advice. Answer with a JSON list of as many strings, "
    "nothing else."
)
NAMES = {"en": "English", "zh": "Simplified Chinese"}


@dataclass(frozen=True, slots=True)
class ChatPhraser:
    """Asks once for all lines of a profile."""

    url: str  # up to and with /v1
    model: str
    key: str = field(default="", repr=False)
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
            chat = Chat(Endpoint(PHRASES.address(self.url), self.key, PHRASES, largest=LARGEST), self.model)
            task = TASK.format(language=NAMES[language])
            return chat.listed(task, [line.sentence for line in lines], Patience(self.timeout))
        except (EndpointFailed, InvalidSettings) as error:
            logger.warning("profiles stay in the words of the templates: %s", error)
            return []
