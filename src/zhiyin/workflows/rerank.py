"""`zhiyin train reranker`: a cross-encoder taught by a shop, and it reads only where it is shown to be better.

As with `zhiyin train text`: it learns nothing of what is then asked. What is asked are held-out lists, made as
they are served by what is fitted on the same part: wishes that were typed later or are made of items that it
learned nothing of, and what people took next.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zhiyin.bundle import read_manifest
from zhiyin.data.dataset import Dataset
from zhiyin.data.splits import Split
from zhiyin.encoders.cross import FOLDER, KINDS, STORY, CrossEncoder, Kind, Measured, seal, sha256_of
from zhiyin.encoders.pretrained import find_pretrained
from zhiyin.errors import InvalidData, NotPublishable
from zhiyin.evaluation.online_check import served
from zhiyin.evaluation.posing import Terms, pose, sample
from zhiyin.evaluation.rereading import (
    Question,
    Shortlist,
    Told,
    Wrote,
    ndcg_of,
    of_pasts,
    of_wishes,
    read,
    shortlists,
    told_of,
)
from zhiyin.files import drafted, flush
from zhiyin.models.base import Run
from zhiyin.progress import Progress
from zhiyin.ranking.reranking import Reranker
from zhiyin.recipe import DefaultRecipe
from zhiyin.shop import Zhiyin
from zhiyin.types import Event
from zhiyin.workflows.adapt import check_extras, may_be_known
from zhiyin.workflows.amending import amending
from zhiyin.workflows.evaluate import shop_terms
from zhiyin.workflows.shop_data import shop_data
from zhiyin.workflows.stories import adapted_story
from zhiyin.workflows.tracking import NOWHERE, Log
from zhiyin.workflows.train import UNFINISHED

if TYPE_CHECKING:
    from zhiyin.training.cross import Cross, Lesson

log = logging.getLogger(__name__)

MOST = 10_000  # rerankers of one name
NEWS = "another reranker"  # why a bundle is published once more


@dataclass(frozen=True, slots=True)
class Taught:
    """What was learned, what it is worth, and whether it reads from now on."""

    model: str  # as reranker.model names it
    told: str  # how learning ended
    kinds: tuple[Told, ...]
    sha256: str
    adopted: bool

    def sentences(self) -> Iterator[str]:
        yield f"{self.model}: {self.told}"
        yield from (one.sentence() for one in self.kinds)
        if self.adopted:
            yield f'{self.model} reads from now on; reranker.model = "" takes it back'
        else:
            yield f'nothing was changed; [reranker] model = "{self.model}", sha256 = "{self.sha256}" take it'


@dataclass(frozen=True, slots=True)
class Known:
    """A shop's past, divided into what may be learned of and what is asked."""

    data: Dataset
    until: int  # the last event of the log that counts
    split: Split | None = None  # None where there are too few events to ask what people took next
    wrote: Wrote = field(default_factory=dict)


def train_reranker(shop: Zhiyin, seed: int = 0, log: Log = NOWHERE, *, adopt: bool = True) -> Taught:
    """Teach the model of `[cross]`, measure it on held-out lists, and let it read in lists of those kinds in which
    the interval says that it is better than what is served now. `adopt` false only tells.

    Raises MissingExtra before anything is done, InvalidData where there is too little to learn from or to measure
    by, NotPublishable where it is better nowhere: then all is as it was, but for the folder.
    """
    check_extras()
    known = _known(shop, seed)
    lesson = _lesson(shop, known, seed)
    from zhiyin.training.cross import learn_cross  # noqa: PLC0415  # torch is imported by no one else

    cross = learn_cross(lesson)
    folder, kinds = _measured(shop, known, lesson, cross, seed)
    model = f"{FOLDER}/{folder.name}"
    log.write(
        adapted_story(shop.settings.name, folder.name, lesson.asked.recipe, cross.curve, _results(cross, kinds))
    )
    shutil.rmtree(shop.settings.path(FOLDER) / UNFINISHED, ignore_errors=True)
    digest = sha256_of(folder / STORY)
    if not any(one.better for one in kinds):
        raise NotPublishable(
            f"{model} stays unused: {'; '.join(one.sentence() for one in kinds)}. It learned: {cross.told}. More "
            "cross.minutes, another cross.base or more events may help; the folder is kept"
        )
    if adopt:
        _adopt(shop, {"reranker.model": model, "reranker.sha256": digest})
    return Taught(model, cross.told, kinds, digest, adopt)


def _known(shop: Zhiyin, seed: int) -> Known:
    data, as_of = shop_data(shop)
    if not any(item.title or item.text for item in data.catalogue):
        raise InvalidData("no item has a title or a text, so there is nothing to read: zhiyin import brings texts")
    try:
        posed = pose(data, shop_terms(shop, Terms())).split
        split = sample(posed, shop.settings.cross.lists, seed)
    except InvalidData:
        split = None
    return Known(data, as_of.event, split, reviews_in(_events(shop, as_of.event), data))


def _events(shop: Zhiyin, until: int) -> Iterator[Event]:
    return (event for _, event in shop.store.events(until=until))


def reviews_in(events: Iterable[Event], data: Dataset) -> dict[tuple[int, int], str]:
    """What people wrote about items, by the rows of both; the newest word of each counts."""
    found: dict[tuple[int, int], str] = {}
    for event in events:
        if event.item_id is not None and event.text and event.type != "search":
            row, user = data.items.row(event.item_id), data.users.row(event.user_id)
            if row >= 0 and user >= 0:
                found[user, row] = event.text
    return found


def _lesson(shop: Zhiyin, known: Known, seed: int) -> Lesson:
    """What may be known of the shop."""
    from zhiyin.training.cross import Lesson  # noqa: PLC0415
    from zhiyin.training.past import Past, draw_hidden, typed_in  # noqa: PLC0415
    from zhiyin.training.tower import Assignment  # noqa: PLC0415

    recipe, signals = shop.settings.cross, shop.settings.data.signals
    fit, hidden = known.data, draw_hidden(known.data, recipe.hidden, seed)
    if known.split is not None:
        fit, hidden = may_be_known(known.data, shop_terms(shop, Terms()), recipe.hidden, seed)
    past = Past.of(fit, typed_in(_events(shop, known.until), fit, signals), hidden, recipe.judged, seed)
    model = find_pretrained(recipe.base, shop.settings.folder)
    keep = shop.settings.path(FOLDER) / UNFINISHED
    asked = Assignment(
        model, recipe.as_tower(), past, known.data.catalogue, shop.settings.language, seed, shop.progress, keep
    )
    return Lesson.of(asked, recipe, known.wrote)


def _measured(
    shop: Zhiyin, known: Known, lesson: Lesson, cross: Cross, seed: int
) -> tuple[Path, tuple[Told, ...]]:
    """The folder, whole and with what was measured of it."""
    from zhiyin.training.cross_export import story_of, write_cross  # noqa: PLC0415

    said, folder = shop.settings.reranker, shop.settings.path(FOLDER)
    with drafted(folder) as draft:
        model = write_cross(draft, lesson, cross)
        with tempfile.TemporaryDirectory(prefix="zhiyin-") as cache:
            reader = CrossEncoder(model, Path(cache), said.precision, said.threads)
            lists = held_out_lists(shop, known, lesson, seed)
            kinds = tell(lists, reader, seed, shop.progress, shop.reranker(shop.settings))
        told = story_of(lesson, cross) | story_of_kinds(kinds, said.n, said.precision)
        return _sealed(draft, folder / lesson.recipe.name, told), kinds


def held_out_lists(shop: Zhiyin, known: Known, lesson: Lesson, seed: int) -> list[Shortlist]:
    """Lists of typed wishes and of pasts, as they would be served."""
    recipe, run = _recipe(shop), Run(shop.encoder(), seed, shop.progress)
    fit = known.data if known.split is None else known.split.fit
    asked = _typed(shop, known, lesson, seed)
    if known.split is not None:
        asked += of_pasts(known.split, known.data.catalogue, known.wrote)
    with tempfile.TemporaryDirectory(prefix="zhiyin-") as folder:
        live = served(Path(folder), recipe.fit(fit, run), recipe, fit, run)
        return shortlists(live, asked, shop.settings.reranker.n, shop.progress)


def tell(
    lists: Sequence[Shortlist],
    reader: CrossEncoder,
    seed: int,
    progress: Progress,
    before: Reranker | None = None,
) -> tuple[Told, ...]:
    """What is found for each kind of question, beside what reads `before`."""
    found = []
    for kind in KINDS:
        mine = [one for one in lists if one.asked.kind == kind and one.asked.text]
        said = read(reader, mine, progress) if mine else []

        def now(some: Sequence[Shortlist], gate: float = before.gates[kind] if before else 0.0):  # type: ignore[no-untyped-def]
            theirs = read(before.reader, some, progress) if before else []
            return ndcg_of(some, theirs, gate)

        found.append(told_of(kind, mine, said, seed, now if before is not None and before.hears(kind) else None))
    return tuple(found)


def _typed(shop: Zhiyin, known: Known, lesson: Lesson, seed: int) -> list[Question]:
    """What was typed and answered after all that it learned of, then wishes for what it learned nothing of."""
    from zhiyin.training.cross import hidden_wishes  # noqa: PLC0415
    from zhiyin.training.past import typed_in  # noqa: PLC0415

    recipe, rng = shop.settings.cross, np.random.default_rng([seed, 8])
    learned = {(one.user, one.text) for one in lesson.asked.past.typed}
    later: dict[tuple[int, str], set[int]] = {}
    for one in typed_in(_events(shop, known.until), known.data, shop.settings.data.signals):
        if (one.user, one.text) not in learned and known.split is not None:
            later.setdefault((one.user, one.text), set()).add(one.row)
    keys = sorted(later)
    some = [keys[n] for n in rng.permutation(len(keys))[: recipe.lists // 2].tolist()]
    found = [(text, np.array(sorted(later[user, text]), np.int32)) for user, text in some]
    drawings = hidden_wishes(lesson.asked, recipe)
    for n in range(recipe.lists if drawings else 0):
        for wish in drawings[n % len(drawings)].draw(rng)[:1]:
            right = np.union1d(wish.no_rivals, [wish.target]).astype(np.int32)
            found.append((str(wish.asked[0][0]), right))
    return of_wishes(found[: recipe.lists])


def _recipe(shop: Zhiyin) -> DefaultRecipe:
    """Of what is live, where that learned from something; else of the settings."""
    live = shop.publication()
    if live is not None and (shop.bundles / live.bundle).is_dir():
        manifest = read_manifest(shop.bundles / live.bundle)
        if manifest.mode == "trained":
            return DefaultRecipe.model_validate(manifest.recipe)
    return shop.settings.recipe


def story_of_kinds(kinds: Sequence[Told], n: int, precision: str) -> dict[str, object]:
    """How loud it may be, and why."""
    gates: Mapping[Kind, float] = {one.kind: one.gate if one.better else 0.0 for one in kinds}
    proof = {
        one.kind: {
            "lists": one.n_lists, "gate": one.gate, "before": one.before, "after": one.after,
            "gain": [one.gain.value, one.gain.low, one.gain.high], "within": one.within,
        }
        for one in kinds
    }  # fmt: skip
    return {"gates": gates, "n": n, "precision": precision, "measured": proof}


def _sealed(draft: Path, wanted: Path, told: Mapping[str, object]) -> Path:
    """The draft with its story, at a free place: one that is there may be what reads now, and is never touched."""
    seal(draft, told)
    names = (wanted, *(wanted.with_name(f"{wanted.name}-{number}") for number in range(2, MOST)))
    folder = next(one for one in names if not one.exists())
    for path in draft.rglob("*"):
        flush(path)
    draft.chmod(0o755)
    draft.rename(folder)
    flush(folder.parent)
    Measured.of(folder)
    return folder


def _adopt(shop: Zhiyin, changes: Mapping[str, str]) -> None:
    """The settings, and a word to servers that are open: what is live is published once more."""
    with amending(shop.settings.folder, changes):
        if (live := shop.publication()) is not None:
            shop.publish(live.bundle, NEWS)


def _results(cross: Cross, kinds: Sequence[Told]) -> dict[str, float]:
    found = {"seconds": cross.seconds, "parameters": float(cross.n_learned), "learning rate": cross.learning_rate}
    for one in kinds:
        found |= {f"ndcg@10 {one.kind} before": one.before, f"ndcg@10 {one.kind} after": one.after}
    return {name: value for name, value in found.items() if np.isfinite(value)}
