"""`zhiyin compress`: a smaller model of the one that reads, and a report of what that costs and gains.

The tower lies in `towers/NAME` beside zhiyin.toml, and is named there as any model: encoder.model = "towers/NAME".
What reads now is not changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

import numpy as np
import orjson

from zhiyin.data.dataset import Dataset, Floats
from zhiyin.data.splits import Part
from zhiyin.encoders.base import Encoder, documents
from zhiyin.encoders.cache import CachedEncoder
from zhiyin.encoders.pretrained import find_pretrained
from zhiyin.encoders.towers import FOLDER, Tower, free_place, save_tower
from zhiyin.errors import InvalidData, InvalidSettings
from zhiyin.evaluation.judging import judge_all
from zhiyin.evaluation.posing import Terms, pose, sample
from zhiyin.models.base import Batch, Model, Run
from zhiyin.models.meaning import MeaningRecipe
from zhiyin.progress import Progress
from zhiyin.shop import OUR_OWN, Zhiyin, encoder_of
from zhiyin.training.distil.chain import ASKED, Panel, Quality, Step
from zhiyin.training.distil.compressing import (
    Compressed,
    Lesson,
    Smaller,
    ensemble_steps,
    teacher_steps,
    to_smaller,
    to_table,
)
from zhiyin.training.distil.static import Bench, drawn
from zhiyin.training.distil.texts import lesson_texts
from zhiyin.workflows.shop_data import shop_data

REPORT = "report.json"
MOST_TYPED = 10_000  # wishes from the log
MOST_ITEMS = 20_000  # beyond, every step would read for minutes to be asked about the task
MOST_PEOPLE = 1_000
METRIC = "ndcg@10"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be made. Either a table of `static` columns, or a smaller net, or one net of several teachers."""

    name: str
    model: str = ""  # that is made smaller; empty: what reads in this shop
    static: int = 0
    smaller: Smaller = field(default_factory=Smaller)
    others: tuple[str, ...] = ()  # models that teach too
    seed: int = 0

    def check(self) -> None:
        """Raises InvalidSettings where nothing is asked, or two things at once."""
        if not (self.static or self.smaller.asked or self.others):
            raise InvalidSettings(
                "say how: --static, or any of --layers N, --prune, --sparsity SHARE and --teacher MODEL"
            )
        if self.others and not self.smaller.teaching.minutes:
            raise InvalidSettings("in 0 minutes nobody teaches: more --minutes, or no --teacher")
        if self.static and (self.smaller.asked or self.others):
            raise InvalidSettings("a table has no layers, no zeros and one teacher: --static alone, or without it")
        if self.static < 0:
            raise InvalidSettings(f"a table has one column or more, got {self.static}: 256 are usual")


@dataclass(frozen=True, slots=True)
class Report:
    """What was made of what, step by step; a number that cannot be told is null."""

    tower: str  # as encoder.model names it
    model: str
    licence: str
    task: str  # what `quality` of a step is
    n_texts: int  # that it was made by
    n_asked: int  # that likeness and speed were measured by
    steps: tuple[Step, ...]
    notes: tuple[str, ...]

    def to_json(self) -> bytes:
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2) + b"\n"


def compress(shop: Zhiyin, wishes: Wishes) -> Report:
    """Make it and keep it with its report.

    Raises InvalidSettings for wishes that cannot be, InvalidData for an empty catalogue or a model that cannot be
    made smaller, MissingExtra where a package lacks: before anything is read.
    """
    wishes.check()
    place = free_place(shop.settings.folder, wishes.name)
    name = wishes.model or shop.settings.encoder.model
    if name == OUR_OWN:
        raise InvalidSettings(
            f"{OUR_OWN} comes as it is; of the BERT family a smaller one can be made: --model minilm, or a folder"
        )
    model = find_pretrained(name, shop.settings.folder)
    if model.static:
        raise InvalidData(f"{name} is a static table, the smallest there is: --model with the net it was made of")
    bench = Bench(shop.settings.path("cache"), shop.progress, wishes.seed)
    data, _ = shop_data(shop)
    lesson = Lesson(_texts(shop, data, wishes.seed), [_encoder(shop, other) for other in wishes.others])
    asked = drawn([text for item in data.catalogue for text in documents(item)], ASKED, wishes.seed)
    quality, task = task_of(data, shop.progress, wishes.seed)
    panel = Panel.of(asked, _encoder(shop, name), quality)
    made = (
        to_table(model, lesson, wishes.static, panel, bench)
        if wishes.static
        else to_smaller(model, lesson, wishes.smaller, panel, bench)
    )
    before = (*teacher_steps(model, panel, bench), *ensemble_steps(model, lesson.others, panel, bench))
    steps = (*before, *made.steps)
    tower, counts = f"{FOLDER}/{wishes.name}", (len(lesson.texts), len(asked))
    report = Report(tower, name, model.licence, task, *counts, steps, made.notes)
    save_tower(place, _with_report(made, report))
    rmtree(bench.unfinished, ignore_errors=True)
    return report


def task_of(data: Dataset, progress: Progress, seed: int, part: Part = "validation") -> tuple[Quality | None, str]:
    """How well people's next items are ranked by an encoder alone, and that in words; None where nobody can be
    asked."""
    if len(data.items) > MOST_ITEMS:
        return None, f"not asked: more than {MOST_ITEMS:,} items"
    try:
        posed = pose(data, Terms(part=part, seed=seed))
    except InvalidData:  # too few events: then nobody can be asked
        return None, "not asked: too few events"
    split = sample(posed.split, MOST_PEOPLE, seed)

    def quality(encoder: Encoder) -> float:
        with TemporaryDirectory(prefix="zhiyin-") as folder:
            read = CachedEncoder(encoder, Path(folder), progress)
            channel = _Alone(MeaningRecipe().fit(split.fit, Run(read)))
            values = judge_all(split, channel, (10,), progress)[_Alone.name].values()[METRIC]
        return float(np.nanmean(values))

    return quality, f"{METRIC} of the meaning channel alone, {len(split):,} people, {part} part: {posed.words}"


@dataclass(frozen=True, slots=True)
class _Alone:
    """One channel and nothing else."""

    channel: Model
    name = "meaning"

    def scores(self, batch: Batch) -> Iterator[tuple[str, Floats]]:
        yield self.name, self.channel.score(batch)


def _encoder(shop: Zhiyin, name: str) -> Encoder:
    """Another model as exact as it is."""
    read = shop.settings.encoder.model_copy(update={"model": name, "precision": "float32"})
    return encoder_of(shop.settings.model_copy(update={"encoder": read}))


def _texts(shop: Zhiyin, data: Dataset, seed: int) -> list[str]:
    logged = (one.query.text for one in shop.store.recent(limit=MOST_TYPED))
    typed = [text for text in logged if text]
    return lesson_texts(data.catalogue, typed, np.random.default_rng(seed))


def _with_report(made: Compressed, report: Report) -> Tower:
    return replace(made.tower, files={**made.tower.files, REPORT: report.to_json()})
