"""Models that were made here, as folders that are read like any other: `towers/NAME` beside zhiyin.toml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from zhiyin.encoders.pretrained import PAGE, TOWERS, Pretrained
from zhiyin.errors import InvalidSettings
from zhiyin.files import drafted, flush

FOLDER = TOWERS  # of a shop
_PLAIN = re.compile(r"\w[\w.-]*")


@dataclass(frozen=True, slots=True)
class Tower:
    """The files of a model by their paths in its folder, and what is said of it."""

    files: Mapping[str, bytes]
    licence: str
    story: str  # what it was made of, in sentences

    @property
    def page(self) -> bytes:
        """What the licence is read from again, and a person reads."""
        return f"---\nlicense: {self.licence}\n---\n{self.story}\n".encode()


def licence_of(model: Pretrained) -> str:
    """As a page can say it: one word."""
    return model.licence.split()[0].rstrip(":")


def free_place(base: Path, name: str) -> Path:
    """Where a tower of this name is to lie. Raises InvalidSettings where one lies already, and for a path."""
    if not _PLAIN.fullmatch(name):
        raise InvalidSettings(f"a tower is called by a plain name, got {name!r}: take letters, digits and dashes")
    folder = base / FOLDER / name
    if folder.exists():
        raise InvalidSettings(f"{folder} is there already: take another --name, or remove it")
    return folder


def save_tower(folder: Path, tower: Tower) -> None:
    """Write it: the folder appears whole or not at all."""
    with drafted(folder.parent) as draft:
        for name, content in {**tower.files, PAGE: tower.page}.items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            flush(path)
        draft.chmod(0o755)  # a temporary folder is for nobody else
        draft.rename(folder)
        flush(folder.parent)
