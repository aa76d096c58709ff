"""Small static tables and tokenizers for tests, written as the published ones are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson
from safetensors.numpy import save_file

from zhiyin.data.dataset import Floats

UNKNOWN = "[UNK]"
PIECES = (
    *("[PAD]", UNKNOWN, "[CLS]", "[SEP]", "[MASK]"),
    *"abcdefghijklmnopqrstuvwxyz0123456789.,!?'-知音茶",
    *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz0123456789"),
    *("tea", "pot", "##pot", "cup", "iron", "garden", "saw", "warm", "the", "of"),
)  # what BERT's tokenizer divides words into: longest first, then letters


def word_pieces(pieces: Sequence[str] = PIECES) -> dict[str, object]:
    """tokenizer.json of BERT's kind, uncased."""
    numbers = {piece: number for number, piece in enumerate(pieces)}
    frame = [{"SpecialToken": {"id": name, "type_id": 0}} for name in ("[CLS]", "[SEP]")]
    text = {"Sequence": {"id": "A", "type_id": 0}}
    special = {name: {"id": name, "ids": [numbers[name]], "tokens": [name]} for name in ("[CLS]", "[SEP]")}
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0},
        "padding": None,
        "added_tokens": [{"id": numbers[name], "content": name, **plain} for name in pieces if name[0] == "["],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [frame[0], text, frame[1]],
            "pair": [frame[0], text, frame[1]],
            "special_tokens": special,
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": UNKNOWN,
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": numbers,
        },
    }


def tiny_table(
    folder: Path,
    rows: Floats,
    tokenizer: Mapping[str, object],
    beside: Mapping[str, npt.NDArray[np.generic]] | None = None,
    kind: str = "static",
) -> Path:
    """A folder with a static table; `beside`: other arrays of its file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_bytes(orjson.dumps({"model_type": kind}))
    (folder / "tokenizer.json").write_bytes(orjson.dumps(tokenizer))
    save_file({"embeddings": rows, **(beside or {})}, folder / "model.safetensors")
    return folder
