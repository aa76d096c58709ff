"""Fewer tokens: what the texts of a shop never use goes, with its rows (Abdaoui, Pradel & Sigel 2020).

A text whose tokens all stay is divided exactly as before: WordPiece takes the longest piece that there is, Unigram
the likeliest division, BPE the merges that lead to the pieces it takes; none of them is changed by the absence of
what was not chosen. Any other text is divided into smaller pieces: every single character stays.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from zhiyin.data.ragged import Ragged
from zhiyin.data.vocabulary import Rows
from zhiyin.encoders.base import MAX_READ
from zhiyin.encoders.tokens import TokenReader
from zhiyin.errors import InvalidData
from zhiyin.training.pruning.model import Json, LooseModel

HELD = 0.1  # of the texts, to see how many are read otherwise
_MARKS = ("##", "▁", "Ġ", "</w>")  # that pieces wear beside their letters
_IDS = ("pad_token_id", "unk_token_id", "bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id")


@dataclass(frozen=True, slots=True)
class Pruned:
    """The smaller model, which of the old tokens it has, and what that costs."""

    model: LooseModel
    kept: Rows  # old numbers, ascending: the place is the new number
    changed: float  # share of held-out texts that are divided otherwise; NaN without any


def with_used_tokens(model: LooseModel, texts: Sequence[str], common: int, rng: np.random.Generator) -> Pruned:
    """Of the tokens that these texts use, the first `common` of the vocabulary, and all that is needed besides.

    What the cost is: of a tenth of the texts, if only the others had been there. Raises InvalidData for a
    tokenizer of a kind that is not known.
    """
    _vocabulary(model.tokenizer)
    read = _read(model.tokenizer, [text[:MAX_READ] for text in texts])
    order = rng.permutation(len(texts))
    held = np.sort(order[: int(len(order) * HELD)]).astype(np.int32)
    others = np.sort(order[len(held) :]).astype(np.int32)
    trial = _kept(model, read.take(others).rows, common)
    asked = [texts[place][:MAX_READ] for place in held]
    changed = _changed(read.take(held), _read(_tokenizer(model.tokenizer, trial), asked), trial)
    kept = _kept(model, read.rows, common)
    return Pruned(_with(model, kept), kept, changed)


def divided_otherwise(before: LooseModel, after: Pruned, texts: Sequence[str]) -> float:
    """The share of other texts that the smaller model does not read as the larger one does; NaN without any."""
    texts = [text[:MAX_READ] for text in texts]
    return _changed(_read(before.tokenizer, texts), _read(after.model.tokenizer, texts), after.kept)


def _changed(before: Ragged, after: Ragged, kept: Rows) -> float:
    same = [np.array_equal(before[place], kept[after[place]]) for place in range(len(before))]
    return 1.0 - float(np.mean(same)) if same else float("nan")


def _read(tokenizer: Json, texts: Sequence[str]) -> Ragged:
    with tempfile.TemporaryDirectory(prefix="zhiyin-") as folder:
        path = Path(folder) / "tokenizer.json"
        path.write_bytes(orjson.dumps(tokenizer))
        return TokenReader(path).read(texts)


def _with(model: LooseModel, kept: Rows) -> LooseModel:
    number = _numbers(kept)
    ids = {name: number[model.config[name]] for name in _IDS if model.config.get(name) in number}
    return replace(
        model,
        config={**model.config, **ids, "vocab_size": len(kept)},
        tokenizer=_tokenizer(model.tokenizer, kept),
        weights={**model.weights, model.words: model.weights[model.words][kept]},
    )


def _kept(model: LooseModel, used: Rows, common: int) -> Rows:
    """(n,) ascending: those used, those that must be, and the parts that BPE makes them of."""
    vocabulary = _vocabulary(model.tokenizer)
    added = {one["id"] for one in model.tokenizer.get("added_tokens") or ()}
    added |= set(_framing(model.tokenizer.get("post_processor")))
    first = max(common, int(model.config.get("pad_token_id") or 0) + 1)  # places are counted from the padding
    letters = {number for piece, number in vocabulary.items() if len(_bare(piece)) <= 1}
    needed = set(used.tolist()) | added | letters | set(range(first)) | _named(model.tokenizer, vocabulary)
    n_rows = len(model.weights[model.words])
    known = {number for number in {*vocabulary.values(), *added} if number < n_rows}
    return np.array(sorted(_with_parts(model.tokenizer, needed & known, vocabulary)), np.int32)


def _tokenizer(told: Json, kept: Rows) -> dict[str, Any]:
    """The same file with these tokens alone, numbered anew."""
    number, net = _numbers(kept), told["model"]
    made: dict[str, Any] = {**told, "truncation": None, "padding": None}
    made["added_tokens"] = [{**one, "id": number[one["id"]]} for one in told.get("added_tokens") or ()]
    made["post_processor"] = _frame(told.get("post_processor"), number)
    if net["type"] == "Unigram":
        pieces = [piece for place, piece in enumerate(net["vocab"]) if place in number]
        made["model"] = {**net, "vocab": pieces, "unk_id": number.get(net.get("unk_id"))}
        return made
    made["model"] = {**net, "vocab": {piece: number[old] for piece, old in net["vocab"].items() if old in number}}
    if net["type"] == "BPE":
        stays = made["model"]["vocab"].keys()
        made["model"]["merges"] = [one for one in net["merges"] if {*_parts(one), _product(net, one)} <= stays]
    return made


def _frame(told: Json | None, number: Mapping[int, int]) -> Json | None:
    """What stands before and after every text, by the new numbers."""
    if told is None:
        return None
    match told:
        case {"type": "TemplateProcessing", "special_tokens": special}:
            ids = {name: {**one, "ids": [number[old] for old in one["ids"]]} for name, one in special.items()}
            return {**told, "special_tokens": ids}
        case {"type": "BertProcessing" | "RobertaProcessing", "sep": [end, last], "cls": [start, first]}:
            return {**told, "sep": [end, number[last]], "cls": [start, number[first]]}
        case {"type": "Sequence", "processors": several}:
            return {**told, "processors": [_frame(one, number) for one in several]}
    return told


def _framing(told: Json | None) -> Iterator[int]:
    """The tokens that stand before and after every text."""
    match told:
        case {"type": "TemplateProcessing", "special_tokens": special}:
            yield from (number for one in special.values() for number in one["ids"])
        case {"type": "BertProcessing" | "RobertaProcessing", "sep": [_, last], "cls": [_, first]}:
            yield from (last, first)
        case {"type": "Sequence", "processors": several}:
            for one in several:
                yield from _framing(one)


def _vocabulary(tokenizer: Json) -> dict[str, int]:
    """Numbers by piece. Raises InvalidData for a kind whose pieces cannot be told."""
    net = tokenizer.get("model") or {}
    match net.get("type"):
        case "WordPiece" | "WordLevel" | "BPE":
            return dict(net["vocab"])
        case "Unigram":
            return {piece: number for number, (piece, _) in enumerate(net["vocab"])}
    raise InvalidData(
        f"a tokenizer of kind {net.get('type')!r} cannot be made smaller: only WordPiece, WordLevel, BPE and "
        "Unigram; leave its vocabulary as it is"
    )


def _named(tokenizer: Json, vocabulary: Mapping[str, int]) -> set[int]:
    """What stands for the unknown."""
    net = tokenizer["model"]
    found = {vocabulary.get(net.get("unk_token")), net.get("unk_id")}
    return {number for number in found if number is not None}


def _with_parts(tokenizer: Json, numbers: set[int], vocabulary: Mapping[str, int]) -> set[int]:
    """With all that BPE merges on the way to them."""
    net = tokenizer["model"]
    if net["type"] != "BPE":
        return numbers
    piece_of = {number: piece for piece, number in vocabulary.items()}
    stays = {piece_of[number] for number in numbers if number in piece_of}
    size = -1
    while len(stays) > size:  # parts are merged before wholes: once is enough, unless a file says otherwise
        size = len(stays)
        for merge in reversed(net["merges"]):
            if _product(net, merge) in stays:
                stays.update(_parts(merge))
    return numbers | {vocabulary[piece] for piece in stays if piece in vocabulary}


def _product(net: Json, merge: str | Sequence[str]) -> str:
    first, second = _parts(merge)
    return first + second.removeprefix(net.get("continuing_subword_prefix") or "")


def _parts(merge: str | Sequence[str]) -> tuple[str, str]:
    """Files of before 2024 have both in one string."""
    first, second = merge.split(" ") if isinstance(merge, str) else merge
    return first, second


def _bare(piece: str) -> str:
    for mark in _MARKS:
        piece = piece.removeprefix(mark).removesuffix(mark)
    return piece


def _numbers(kept: Iterable[int]) -> dict[int, int]:
    """New by old."""
    return {int(old): new for new, old in enumerate(kept)}
