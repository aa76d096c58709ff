"""A language model into a static table: what is read by it, and the folder that comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
from safetensors.numpy import save

from zhiyin.data.dataset import Floats
from zhiyin.encoders.cache import CachedEncoder
from zhiyin.encoders.language import LanguageEncoder
from zhiyin.encoders.pretrained import Pretrained
from zhiyin.encoders.published import CONFIG, TOKENS, WEIGHTS
from zhiyin.encoders.static import TABLE
from zhiyin.encoders.tokens import TokenReader
from zhiyin.encoders.towers import Tower, licence_of
from zhiyin.progress import Progress
from zhiyin.training.distil.table import Lesson, Table, distil_table

CHUNK = 512  # tokens read at once
MOST_TEXTS = 100_000  # more add nothing that a row of a token could hold


@dataclass(frozen=True, slots=True)
class Bench:
    """What making a model needs besides the models."""

    cache: Path
    progress: Progress
    seed: int = 0

    @property
    def unfinished(self) -> Path:
        """What a run that was killed goes on from; to be removed when all is saved."""
        return self.cache / "unfinished"


def static_tower(model: Pretrained, texts: Sequence[str], dim: int, bench: Bench) -> tuple[Tower, Table]:
    """The table of a model of the BERT family, and its folder's files.

    Texts: what it is to read well; without any it says what its tokens say alone. Raises MissingExtra and
    InvalidData as the model itself does.
    """
    teacher = LanguageEncoder(model, bench.cache, "float32")
    reader = TokenReader(model.folder / TOKENS)
    texts = drawn(texts, MOST_TEXTS, bench.seed)
    rows = CachedEncoder(teacher, bench.cache, bench.progress).encode(texts)
    lesson = Lesson(_alone(teacher, reader.size, bench.progress), reader.read(texts), rows)
    table = distil_table(lesson, dim, np.random.default_rng(bench.seed))
    told = {"model_type": "static", "dim": table.rows.shape[1], "distilled_from": model.fingerprint}
    files = {
        CONFIG: orjson.dumps(told, option=orjson.OPT_INDENT_2),
        TOKENS: (model.folder / TOKENS).read_bytes(),
        WEIGHTS: save({TABLE: table.rows.astype(np.float16)}),
    }
    if model.prompt:
        files["config_sentence_transformers.json"] = orjson.dumps({"prompts": {"query": model.prompt}})
    story = f"# A static table\n\nDistilled from {model.name} (sha256 {model.sha256}) on {len(texts):,} texts."
    return Tower(files, licence_of(model), story), table


def drawn(texts: Sequence[str], most: int, seed: int) -> list[str]:
    """Different ones that say something, at most so many, drawn at random, in the order in which they came."""
    told = [text for text in dict.fromkeys(texts) if text.strip()]
    if len(told) <= most:
        return told
    chosen = np.random.default_rng(seed).choice(len(told), most, replace=False)
    return [told[place] for place in np.sort(chosen)]


def _alone(teacher: LanguageEncoder, n_tokens: int, progress: Progress) -> Floats:
    """(tokens, teacher's dim) what the teacher says of each token as a text of its own."""
    progress.start("reading tokens", n_tokens)
    found = []
    for first in range(0, n_tokens, CHUNK):
        found.append(teacher.encode_tokens(np.arange(first, min(first + CHUNK, n_tokens), dtype=np.int32)))
        progress.advance(first)
    progress.done()
    return np.concatenate(found)
