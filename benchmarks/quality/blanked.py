"""R1: what is lost when three of ten items have no text, and what of it those lose whose item it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from zhiyin.data.dataset import Doubles, Mask
from zhiyin.data.folders import load_dataset, split_of
from zhiyin.data.protocols import load_protocol
from zhiyin.evaluation.comparing import Bootstrap
from zhiyin.evaluation.comparison import versus
from zhiyin.evaluation.measuring import Measured
from zhiyin.evaluation.posing import Terms, sample
from zhiyin.evaluation.standings import WHOLE

SHARE = 0.3
SEED = 0
ITEMS = "items.parquet"
TEXTS = ("title", "text", "categories", "category_text", "brand")
LOST, KEPT = "lost its text", "kept its text"  # buckets of targets
BLANK = "_blank"  # ends the name of what was asked with texts missing


def lost_items(item_ids: Sequence[str]) -> frozenset[str]:
    """The same ones whatever the order."""
    ordered = np.array(sorted(item_ids))
    return frozenset(np.random.default_rng(SEED).permutation(ordered)[: round(SHARE * len(ordered))].tolist())


def blanked_folder(folder: Path, target: Path) -> Path:
    """The data set with these items blank and all else linked, in the folder `target`."""
    for path in folder.iterdir():
        if path.name != ITEMS:
            (target / path.name).symlink_to(path.resolve())
    table = pq.read_table(folder / ITEMS)
    item_ids = [str(item_id) for item_id in table["item_id"].to_pylist()]
    blank = pa.array(np.isin(item_ids, list(lost_items(item_ids))))
    for name in set(TEXTS) & set(table.column_names):
        column = table[name]
        nothing = pa.nulls(len(table), column.type)
        table = table.set_column(table.column_names.index(name), name, _where(blank, nothing, column))
    pq.write_table(table, target / ITEMS)
    return target


def marked(measured: Measured, path: Path, name: str | None, terms: Terms) -> Measured:
    """With buckets of the targets that lost their text, and of those that did not."""
    mask = _lost_targets(path, name, terms)
    whole = measured.standings[WHOLE]
    buckets = {**whole.buckets, LOST: mask, KEPT: ~mask}
    return replace(measured, standings={**measured.standings, WHOLE: replace(whole, buckets=buckets)})


def loss_of_blanks(found: Mapping[str, Measured]) -> dict[str, float]:
    """For each data set, with the ends of its interval, what missing texts cost relative to what there was, at
    the metric that decides: all people, and those whose targets lost, or kept, their text."""
    numbers: dict[str, float] = {}
    for name, blank in found.items():
        if not name.endswith(BLANK):
            continue
        stem = name.removesuffix(BLANK)
        for kind, bucket in (("all", None), ("lost", LOST), ("kept", KEPT)):
            before, after = (_values(one, bucket) for one in (found[stem], blank))
            told = versus(before, after, Bootstrap(2_000, seed=0))
            if told is None:
                continue
            base = max(told.champion, 1e-12)
            numbers |= {
                f"{stem}_{kind}": told.challenger,
                f"{stem}_{kind}_before": told.champion,
                f"{stem}_{kind}_change": told.gain.value / base,
                f"{stem}_{kind}_change_low": told.gain.low / base,
                f"{stem}_{kind}_change_high": told.gain.high / base,
            }
    return numbers


def _values(one: Measured, bucket: str | None) -> Doubles:
    return one.standings[WHOLE].of(one.evaluation.main, bucket)


def _lost_targets(path: Path, name: str | None, terms: Terms) -> Mask:
    """(T,) of the question as it is posed: which targets are items that lose their text."""
    protocol = load_protocol(path, name)
    data = load_dataset(protocol)
    split = split_of(protocol, data, part=terms.part, refit=terms.refit, filter_history=terms.filter_history)
    split = sample(split, terms.max_users or 0, terms.seed)
    lost = lost_items([item.item_id for item in data.catalogue])
    blank = np.array([item.item_id in lost for item in data.catalogue])
    return blank[split.targets.rows]


def _where(mask: pa.Array, yes: pa.Array, no: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([pc.if_else(mask, yes, no.combine_chunks())])
