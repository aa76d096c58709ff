"""A language model taken apart into what its folder holds, and put together again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import orjson
from safetensors.numpy import save

from zhiyin.data.dataset import Floats
from zhiyin.encoders.bert import Shape
from zhiyin.encoders.pretrained import Pretrained
from zhiyin.encoders.published import CONFIG, TOKENS, WEIGHTS
from zhiyin.encoders.towers import Tower, licence_of, save_tower
from zhiyin.errors import InvalidData

Json = Mapping[str, Any]  # of files that others define
BESIDE = ("sentence_bert_config.json", "config_sentence_transformers.json", "modules.json")
WORDS = "embeddings.word_embeddings.weight"  # how the name of the tokens' rows ends


@dataclass(frozen=True, slots=True)
class LooseModel:
    """All that decides what a model says. Never changed: what prunes gives another one."""

    config: Json
    tokenizer: Json
    weights: Mapping[str, Floats]
    beside: Mapping[str, bytes]  # files that are kept as they are: pooling, longest text, prompt
    licence: str

    @classmethod
    def of(cls, model: Pretrained) -> Self:
        """Raises InvalidData for a table, a net of another family, and one that brings only its graph."""
        if model.static:
            raise InvalidData(
                f"{model.name} is a static table already, nothing can be taken from it: name its source"
            )
        Shape.of(model.config)
        if not (model.folder / WEIGHTS).is_file():
            raise InvalidData(f"{model.name} brings a graph and no {WEIGHTS}: save it with save_pretrained()")
        paths = [model.folder / name for name in BESIDE] + sorted(model.folder.glob("*_Pooling/config.json"))
        beside = {str(path.relative_to(model.folder)): path.read_bytes() for path in paths if path.is_file()}
        tokenizer = orjson.loads((model.folder / TOKENS).read_bytes())
        return cls(model.config, tokenizer, model.weights(), beside, licence_of(model))

    @property
    def shape(self) -> Shape:
        return Shape.of(self.config)

    @property
    def words(self) -> str:
        """The name of the tokens' rows. Raises InvalidData where there are none."""
        found = next((name for name in self.weights if name.endswith(WORDS)), None)
        if found is None:
            raise InvalidData(f"the weights have no {WORDS!r}: they are not of a {self.shape.kind} net")
        return found

    @property
    def n_numbers(self) -> int:
        """Of the net, as it is counted everywhere: all weights, zeros too."""
        return sum(array.size for array in self.weights.values())

    def tower(self, story: str) -> Tower:
        """Its folder's files."""
        files = {CONFIG: self.config, TOKENS: self.tokenizer}
        told = {name: orjson.dumps(content, option=orjson.OPT_INDENT_2) for name, content in files.items()}
        return Tower({**told, WEIGHTS: save(dict(self.weights)), **self.beside}, self.licence, story)

    def saved(self, folder: Path, story: str = "") -> Pretrained:
        """In a folder that is not there yet, ready to be read."""
        save_tower(folder, self.tower(story))
        return Pretrained(folder.name, self.licence, folder / WEIGHTS, folder / TOKENS)
