"""Encoders that a bundle carries: a folder with all that reading needs, wherever the model came from.

    encoder/about.json          what the other files do not say: fingerprint, licence, prompt, pooling, length
            tokenizer.json
            model.onnx          of a net; model.safetensors of a static table
            README.md …         licence, origin and story, as they lay beside the model

The encoder that comes along with this package and the endpoints of others are named by their fingerprints alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from pydantic import TypeAdapter, ValidationError

from zhiyin.encoders.base import Encoder
from zhiyin.encoders.cache import CachedEncoder
from zhiyin.encoders.net import NetEncoder
from zhiyin.encoders.pretrained import About, Pretrained
from zhiyin.encoders.published import TOKENS, WEIGHTS
from zhiyin.encoders.static import StaticEncoder
from zhiyin.errors import BrokenBundle

FOLDER = "encoder"  # of a bundle
GRAPH, ABOUT = "model.onnx", "about.json"
CURE = "publish another bundle or train again"
_ABOUT = TypeAdapter(About)


def files_of(encoder: Encoder) -> dict[str, bytes]:
    """What is to be carried of an encoder, by names of files; nothing of one that is only named.

    Raises BrokenBundle where the files that it was made of have changed since.
    """
    match encoder:
        case CachedEncoder():
            return files_of(encoder.inner)
        case NetEncoder():
            source = encoder.source
            net = {GRAPH: source.graph(), TOKENS: source.tokens.read_bytes()}
            return _with_papers(source.papers(), encoder.about, net)
        case StaticEncoder():
            model = encoder.model
            table = {WEIGHTS: model.weights_file.read_bytes(), TOKENS: model.tokens.read_bytes()}
            return _with_papers(model.papers(), encoder.about, table)
    return {}


def read_carried(folder: Path, names: Collection[str], fingerprint: str) -> Encoder:
    """The encoder whose files lie there; `names`: those that the bundle answers for, no other one is looked at.

    Raises MissingExtra where a package is missing, BrokenBundle where they are not that encoder.
    """
    if not ({ABOUT, TOKENS} <= set(names) and {GRAPH, WEIGHTS} & set(names)):
        raise BrokenBundle(f"{folder} holds {', '.join(sorted(names))}, which is no encoder: {CURE}")
    source = _Carried(folder, tuple(sorted(names)))
    if source.about.fingerprint != fingerprint:
        raise BrokenBundle(
            f"{folder} holds the encoder {source.about.fingerprint}, the bundle was made with {fingerprint}: "
            f"{CURE}"
        )
    if GRAPH in names:
        return NetEncoder(source)
    return StaticEncoder(Pretrained.of_folder(folder.name, folder), source.about)


@dataclass(frozen=True, slots=True)
class _Carried:
    """The net in a bundle."""

    folder: Path
    names: tuple[str, ...]

    @property
    def about(self) -> About:
        path = self.folder / ABOUT
        try:
            return _ABOUT.validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise BrokenBundle(f"{path} cannot be read ({error}): {CURE}") from error

    @property
    def tokens(self) -> Path:
        return self.folder / TOKENS

    def graph(self) -> bytes:
        return (self.folder / GRAPH).read_bytes()

    def papers(self) -> dict[str, bytes]:
        return {
            name: (self.folder / name).read_bytes() for name in self.names if name not in (GRAPH, TOKENS, ABOUT)
        }


def _with_papers(papers: Mapping[str, bytes], about: About, needed: Mapping[str, bytes]) -> dict[str, bytes]:
    told = orjson.dumps(asdict(about), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    return {**papers, **needed, ABOUT: told}
