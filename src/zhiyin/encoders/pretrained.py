"""Where a pretrained language model is found: a local folder, an installed package that brings one, or a hub.

Only files are read, no code of theirs is run. What is found is known by the digest of its weights.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import orjson

from zhiyin._extras import need
from zhiyin.data.dataset import Floats
from zhiyin.encoders.bert import Pooling, Shape
from zhiyin.encoders.four_bits import arrays_of_four_bits
from zhiyin.encoders.published import CONFIG, PACKAGES, PROMPTS, SENTENCE_CONFIG, TOKENS, WEIGHTS, Told
from zhiyin.errors import BrokenBundle, InvalidData, InvalidSettings

FILES = (  # of a hub
    *(WEIGHTS, CONFIG, TOKENS, "README.md", "LICEN[CS]E*"),
    *("*sentence*.json", "modules.json", "*_Pooling/config.json", "onnx/model.onnx"),
)
PAGE = "README.md"
PAPERS = (PAGE, "LICEN[CS]E*", "NOTICE*", "tower.json", "report.json")  # licence, origin, story
TOWERS = "towers"  # folder of models that were made here
PACKED = ".bin"  # weights in four bits
STATIC = ("static", "model2vec")  # of config.json: tables of ours, and published ones
USUAL_LONGEST = 256  # tokens
MARGIN = 2  # places that some families do not use
_LICENCE = re.compile(r"^license:\s*(\S+)", re.MULTILINE)
_STRANGE = re.compile(r"[^\w.-]+")
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, slots=True)
class About:
    """What the files of an encoder do not say of themselves."""

    fingerprint: str
    licence: str
    prompt: str  # what every text begins with
    pooling: Pooling
    longest: int  # tokens


@dataclass(frozen=True)  # without slots: the digest is found once
class Pretrained:
    """A model: its weights, its tokenizer, and what else is told of it."""

    name: str
    licence: str
    weights_file: Path  # it may not be there where a graph is
    tokens: Path
    told: Told = field(default_factory=dict)  # what files say that are not there

    @classmethod
    def of_folder(cls, name: str, folder: Path) -> Self:
        """As sentence-transformers writes them."""
        return cls(name, _licence_in(folder), folder / WEIGHTS, folder / TOKENS)

    @property
    def folder(self) -> Path:
        return self.weights_file.parent

    @cached_property
    def sha256(self) -> str:
        """Of the weights."""
        path = self.weights_file
        with (path if path.is_file() else self.graph).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @cached_property
    def fingerprint(self) -> str:
        """As a file may be called: the name, and a digest of all that decides what comes out."""
        told = (self.sha256, self.prompt, self.pooling, self.longest, orjson.dumps(self.config))
        digest = hashlib.sha256(repr(told).encode() + self.tokens.read_bytes())
        return f"{_STRANGE.sub('-', self.name)}:{digest.hexdigest()[:16]}"

    @property
    def graph(self) -> Path:
        """An ONNX graph that was published with the model; it may not be there."""
        return self.folder / "onnx" / "model.onnx"

    @property
    def config(self) -> Mapping[str, Any]:
        return self.json(CONFIG)

    @property
    def static(self) -> bool:
        """Whether it is a table of tokens (zhiyin.encoders.static) and no net."""
        return self.config.get("model_type") in STATIC

    @property
    def pooling(self) -> Pooling:
        """How tokens become one row. Raises InvalidData for what is neither a mean nor the first token."""
        told = next(map(self.json, sorted(self.folder.glob("*_Pooling/config.json"))), {})
        chosen = [name for name, wanted in told.items() if name.startswith("pooling_mode") and wanted is True]
        match chosen or ["pooling_mode_mean_tokens"]:
            case ["pooling_mode_mean_tokens"]:
                return "mean"
            case ["pooling_mode_cls_token"]:
                return "cls"
        raise InvalidData(f"{self.name} takes {', '.join(chosen)}: only the mean and the first token are read")

    @property
    def longest(self) -> int:
        """Tokens that the model was taught to read, and never more than it has places for."""
        told = self.json(SENTENCE_CONFIG).get("max_seq_length")
        taught = told if isinstance(told, int) and told > 0 else USUAL_LONGEST
        try:
            return min(taught, Shape.of(self.config).places)
        except InvalidData:  # a net of another family, which brings its graph
            places = self.config.get("max_position_embeddings")
            return min(taught, places - MARGIN) if isinstance(places, int) and places > MARGIN else taught

    @property
    def prompt(self) -> str:
        """What every text begins with."""
        told = self.json(PROMPTS)
        prompts, usual = told.get("prompts") or {}, told.get("default_prompt_name")
        return str(prompts.get(usual or "query", ""))

    def about(self, how: str) -> About:
        """Of the encoder that is made of it; `how`: what is in its fingerprint beside the model."""
        return About(f"{self.fingerprint}.{how}", self.licence, self.prompt, self.pooling, self.longest)

    def papers(self) -> dict[str, bytes]:
        """What lies beside it for people to read, and what its config says.

        Raises BrokenBundle where its files are no longer those that were read.
        """
        if replace(self).fingerprint != self.fingerprint:
            raise BrokenBundle(f"{self.folder} was changed while it was read by: train again")
        paths = (path for pattern in PAPERS for path in sorted(self.folder.glob(pattern)) if path.is_file())
        page = f"# {self.name}\n\nLicence: {self.licence}\n\nsha256 of the weights: {self.sha256}\n".encode()
        told = {PAGE: page, CONFIG: orjson.dumps(self.config, option=orjson.OPT_INDENT_2)}
        return told | {path.name: path.read_bytes() for path in paths}

    def weights(self) -> dict[str, Floats]:
        """All arrays by their names. Raises BrokenBundle for a file that is none."""
        if self.weights_file.suffix == PACKED:
            return arrays_of_four_bits(self.weights_file.read_bytes())
        from safetensors import SafetensorError  # noqa: PLC0415  # only where a model is read
        from safetensors.numpy import load_file  # noqa: PLC0415

        try:
            return load_file(self.weights_file)
        except (SafetensorError, KeyError) as error:  # KeyError: numbers of a kind that numpy has not
            raise BrokenBundle(f"{self.weights_file} cannot be read ({error}): copy it again") from error

    def json(self, name: str | Path) -> Mapping[str, Any]:
        """What a file says; nothing where it is not there. Raises InvalidData for what is no JSON object."""
        path = self.folder / name
        if not path.is_file():
            return self.told.get(str(name), {})
        try:
            told = orjson.loads(path.read_bytes())
        except orjson.JSONDecodeError as error:
            raise InvalidData(f"{path} is no JSON ({error}): copy the model again") from error
        if not isinstance(told, dict):
            raise InvalidData(f"{path} holds no JSON object: copy the model again")
        return told


def find_pretrained(name: str, base: Path) -> Pretrained:
    """The model of this name: a folder (relative to `base`), a key of PACKAGES, or an id of the hub.

    Raises InvalidSettings for what is none of them, MissingExtra for a package that is not installed, InvalidData
    for a folder that holds no model, BrokenBundle for weights of a package that are not the published ones.
    """
    if (folder := base / name).is_dir():
        return _checked(Pretrained.of_folder(folder.name, folder))
    if name in PACKAGES:
        weights, tokens = PACKAGES[name].found(name)
        return Pretrained(name, PACKAGES[name].licence, weights, tokens, PACKAGES[name].told)
    if _HUB_ID.fullmatch(name) and not name.startswith(f"{TOWERS}/"):
        return _of_hub(name)
    known = ", ".join(("use", *PACKAGES))
    raise InvalidSettings(
        f"encoder.model = {name!r} is no folder in {base}, none of {known}, and no id of the hub such as "
        "sentence-transformers/all-MiniLM-L6-v2"
    )


def _of_hub(name: str) -> Pretrained:
    hub = need("huggingface_hub", extra="text")
    try:
        folder = Path(hub.snapshot_download(name, allow_patterns=list(FILES)))
    except Exception as error:  # the client has a family of its own, and those of its transport
        raise InvalidSettings(
            f"encoder.model = {name!r} could not be fetched from the hub ({type(error).__name__}): see the name, "
            "or copy the model into a folder and name that"
        ) from error
    return _checked(Pretrained.of_folder(name, folder))


def _checked(found: Pretrained) -> Pretrained:
    """Raises InvalidData unless the folder holds what is needed."""
    needed = [CONFIG, TOKENS]
    if not found.graph.is_file():
        needed.append(WEIGHTS)
    lacking = [name for name in needed if not (found.folder / name).is_file()]
    if lacking:
        raise InvalidData(
            f"{found.folder} is no model: {', '.join(lacking)} not there; save it with save_pretrained() of "
            "sentence-transformers, or copy the folder whole"
        )
    return found


def _licence_in(folder: Path) -> str:
    """As the model's own page says."""
    page = folder / PAGE
    told = _LICENCE.search(page.read_text("utf-8", errors="replace")) if page.is_file() else None
    return told[1] if told else "unknown: the model does not say"
