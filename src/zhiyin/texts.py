"""What an id and a text may hold."""

from __future__ import annotations

import re

from zhiyin.errors import InvalidData

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # a text may have tabs and line ends
_CONTROL_OR_SPACE = re.compile(r"[\x00-\x1f\x7f]")  # an id may not
MAX_ID = 512  # characters


def check_id(name: str, value: str) -> None:
    """Ids are any text of 1 to 512 characters without control characters; emoji, slashes, spaces are fine."""
    if isinstance(value, str) and value.isprintable() and len(value) <= MAX_ID and not value.isspace() and value:
        return  # nearly all: no control character and no half character is printable
    if not isinstance(value, str) or not value.strip():
        raise InvalidData(f"{name} is an id, a non-empty text, got {value!r}")
    if len(value) > MAX_ID:
        raise InvalidData(f"{name} has at most {MAX_ID} characters, got {len(value)} ({value[:20]!r} …)")
    if _CONTROL_OR_SPACE.search(value) or not encodable(value):
        raise InvalidData(f"{name} holds a control character or half a character: {value[:60]!r}; remove it")


def clean_text(text: str) -> str:
    """Text without NUL, control characters and lone surrogates, which no store and no tokenizer wants."""
    return _CONTROL.sub(" ", text.encode("utf-8", "replace").decode("utf-8") if not encodable(text) else text)


def check_length(name: str, text: str, most: int) -> None:
    """Raises InvalidData for a text that is too long, or holds what clean_text() removes."""
    if len(text) > most:
        raise InvalidData(f"{name} has at most {most:,} characters, got {len(text):,}: shorten it")
    if _CONTROL.search(text) or not encodable(text):
        raise InvalidData(f"{name} holds control characters: clean_text() removes them")


def encodable(text: str) -> bool:
    """Whether it has no half characters."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
