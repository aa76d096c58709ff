"""Label models on disk: immutable folders named by their content, and which of them is in use.

    labels/NAME/<sha256 of about.json>/about.json        what it is, of what, how good; digests of the files
                                       head.safetensors
    labels/NAME/current                                  the digest of the one in use

A folder appears whole or not at all; `current` is replaced in one step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from zhiyin.encoders.base import Encoder
from zhiyin.errors import BrokenBundle, NotFound
from zhiyin.files import appearing, drafted, flush
from zhiyin.labels.classifier import Classifier
from zhiyin.labels.grams import Grams
from zhiyin.labels.keeping import load_classifier, save_classifier
from zhiyin.labels.model import LabelModel

FORMAT = 1
ABOUT, HEAD, CURRENT = "about.json", "head.safetensors", "current"

Page = dict[str, Any]  # JSON by nature


@dataclass(frozen=True, slots=True)
class Kept:
    """A label model on disk, and what its page says."""

    name: str
    digest: str
    folder: Path
    about: Mapping[str, Any]


def keep(shelf: Path, name: str, classifier: Classifier, grams: Grams | None, about: Mapping[str, Any]) -> Kept:
    """Write a model and take it into use. `about`: the rest of its page."""
    home = shelf / name
    with drafted(home) as draft:
        page = save_classifier(draft / HEAD, classifier, grams)
        told = {
            **about,
            "format": FORMAT,
            "name": name,
            "classifier": page,
            "files": {HEAD: _sha256(draft / HEAD)},
        }
        text = orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
        (draft / ABOUT).write_bytes(text)
        digest = hashlib.sha256(text).hexdigest()
        for file in draft.iterdir():
            flush(file)
        if not (home / digest).exists():
            draft.rename(home / digest)
            flush(home)
    with appearing(home / CURRENT) as file:
        file.write_text(digest)
    return find(shelf, name)


def find(shelf: Path, name: str) -> Kept:
    """The model in use. Raises NotFound without one, BrokenBundle where its page was changed."""
    home = shelf / name
    if not (home / CURRENT).is_file():
        known = ", ".join(names(shelf)) or "none yet"
        raise NotFound(
            f"no label model {name!r} was trained; there are: {known}. zhiyin label train {name} --texts FILE "
            "makes it"
        )
    digest = (home / CURRENT).read_text().strip()
    page = home / digest / ABOUT
    text = page.read_bytes() if page.is_file() else b""
    if hashlib.sha256(text).hexdigest() != digest:
        raise BrokenBundle(f"{page} is not what its name says: zhiyin label train {name} makes it anew")
    about = orjson.loads(text)
    if about["format"] != FORMAT:
        raise BrokenBundle(
            f"label model {name} has format {about['format']}, this version reads {FORMAT}: train again"
        )
    return Kept(name, digest, home / digest, about)


def names(shelf: Path) -> list[str]:
    """Label models that are in use."""
    return sorted(path.parent.name for path in shelf.glob(f"*/{CURRENT}"))


def load(kept: Kept, encoder: Callable[[str], Encoder]) -> LabelModel:
    """`encoder`: by the name of a view. Raises BrokenBundle where arrays or encoders are not those it was learned
    with."""
    path = kept.folder / HEAD
    if not path.is_file() or _sha256(path) != kept.about["files"][HEAD]:
        raise BrokenBundle(f"{path} is not what its page says: zhiyin label train {kept.name} makes it anew")
    classifier, grams = load_classifier(path, kept.about["classifier"])
    readers: dict[str, Encoder] = {}
    for view, fingerprint in kept.about["encoders"].items():
        if view in classifier.views:
            readers[view] = encoder(view)
            if readers[view].fingerprint != fingerprint:
                raise BrokenBundle(
                    f"label model {kept.name} was learned with encoder {fingerprint}, here is "
                    f"{readers[view].fingerprint}: zhiyin label train {kept.name}"
                )
    return LabelModel(classifier, grams, readers, kept.digest)


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
