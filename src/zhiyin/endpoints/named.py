"""What the settings of an endpoint are called, so that a message about any of them names its own cure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from zhiyin.errors import InvalidSettings


@dataclass(frozen=True, slots=True)
class Named:
    """The settings `PREFIX` + url, model, key; `path` is what is added to the url."""

    prefix: str  # such as "encoder.hosted."
    path: str  # such as "/embeddings"
    batched: bool = True  # whether there is a setting `batch`

    def setting(self, name: str) -> str:
        return self.prefix + name

    @property
    def variable(self) -> str:
        """That holds the key."""
        return f"ZHIYIN_{self.prefix}key".upper().replace(".", "__")

    def address(self, url: str) -> str:
        """Where requests go. Raises InvalidSettings for what is none, or would carry a secret in the open."""
        try:
            parts = urlsplit(url)
            wrong = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
        except ValueError:  # a port that is no number
            wrong = True
        if wrong or parts.query or parts.username or any(map(str.isspace, url)):
            raise InvalidSettings(
                f"{self.setting('url')} is an address that begins with http:// or https://, such as "
                "https://HOST/v1, without a name, key or query"
            )
        return url.rstrip("/") + self.path

    def cure(self, status: int) -> str | None:
        """Of an answer with this status; None where nothing is known but the number."""
        url, model = self.setting("url"), self.setting("model")
        moved = f"name the address that it is moved to in {url}"
        smaller = f"lower {self.setting('batch')}" if self.batched else f"take another {model}"
        cures: Mapping[int, str] = {
            **dict.fromkeys((301, 302, 307, 308), moved),
            401: f"give the key in {self.variable}",
            403: f"the key may not use this model: take another key or {model}",
            404: f"see {url}, which ends before {self.path}, and {model}",
            413: smaller,
            429: "it is asked too often, or the account is used up",
        }
        return cures.get(status)


EMBEDDINGS = Named("encoder.hosted.", "/embeddings")
PHRASES = Named("profile.phrase_", "/chat/completions", batched=False)
TRANSLATIONS = Named("tower.back_translation.", "/chat/completions")
