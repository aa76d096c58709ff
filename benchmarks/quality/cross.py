"""X1: the first candidates read again by a cross-encoder, with and without it, and what that costs.

    python benchmarks/quality/cross.py --data DIR [--sets shop,amazon_beauty] [--cache DIR] [--out DIR]
        [--lists 200] [--n 50] [--most 1500] [--set minutes=10 groups=4 …]

shop: the made-up shop, whose events and searches, and wishes of the catalogue's fields, are learned from; asked
are the wishes that were written for it by hand, of which nothing is learned, such as are made for a tenth of the
items, of which nothing is learned either, and what people took next.
amazon_beauty, leave-one-out: what people took second-last (the validation part), and wishes made for a tenth of
the items, of which nothing is learned; --most: only so many items, those taken most, where a machine is slow.
Lists are made on the online path by the default recipe, fitted without what is asked. One half of the lists
chooses how loud the part is, the other decides: NDCG@10 with and without, and the interval of the difference,
paired. `ms`: milliseconds for 50 candidates that nobody read before. Writes results/cross.json.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import numpy as np
import orjson
from adaptation import Told as Lines
from run import RESULTS, commit, machine, rounded

from zhiyin.data.dataset import Dataset, build_dataset
from zhiyin.data.demo import write_demo
from zhiyin.data.folders import read_events, read_items
from zhiyin.data.shop.catalogue import read_wishes
from zhiyin.data.signals import Signals
from zhiyin.data.splits import Split, Terms, leave_one_out
from zhiyin.encoders.cache import CachedEncoder
from zhiyin.encoders.cross import CrossEncoder
from zhiyin.encoders.pretrained import Pretrained, find_pretrained
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.evaluation.online_check import served
from zhiyin.evaluation.posing import sample
from zhiyin.evaluation.rereading import Question, Shortlist, of_pasts, of_wishes, shortlists
from zhiyin.models.base import Run
from zhiyin.recipe import DefaultRecipe
from zhiyin.settings_file import load_settings
from zhiyin.shop import Zhiyin
from zhiyin.training.cross import Cross, Lesson, hidden_wishes, learn_cross
from zhiyin.training.cross_export import write_cross
from zhiyin.training.cross_recipe import CrossRecipe
from zhiyin.training.past import Past, Typed, draw_hidden, typed_in
from zhiyin.training.tower import Assignment
from zhiyin.workflows.ingest import ingest
from zhiyin.workflows.init import Files, init_project
from zhiyin.workflows.rerank import tell
from zhiyin.workflows.shop_data import shop_data

READ, WARM, TIMED = 50, 3, 15  # candidates of a list that are timed; lists before, and lists that count


@dataclass(frozen=True, slots=True)
class World:
    """A data set, and what is asked of it."""

    name: str
    data: Dataset
    split: Split  # whose people are asked; its fit is all that is known
    hidden: np.ndarray
    typed: tuple[Typed, ...]
    by_hand: tuple[tuple[str, np.ndarray], ...] = ()  # wishes that were written for it


def main() -> None:
    given = arguments()
    ours: dict[str, float] = {}
    told: dict[str, object] = {}
    for name in given.sets.split(","):
        world = shop_world(given) if name == "shop" else beauty_world(given)
        numbers, story = measured(world, given)
        ours |= {f"{name}_{key}": value for key, value in numbers.items()}
        told[name] = story
        write(ours, told, given)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--sets", default="shop,amazon_beauty")
    parser.add_argument("--lists", type=int, default=200, help="of each kind, at most")
    parser.add_argument("--most", type=int, default=0, help="items of amazon_beauty; 0: all")
    parser.add_argument("--n", type=int, default=50, help="candidates that are read")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", nargs="*", default=[], help="settings of [cross], name=value as JSON")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "zhiyin-vectors")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    return parser.parse_args()


def recipe_of(given: argparse.Namespace) -> CrossRecipe:
    settings = {name: json.loads(value) for name, _, value in (one.partition("=") for one in given.set)}
    return CrossRecipe.model_validate(settings)


def shop_world(given: argparse.Namespace) -> World:
    """The demo shop as `zhiyin demo --data shop` imports it."""
    with tempfile.TemporaryDirectory() as name:
        files = write_demo("shop", Path(name) / "files")
        folder = Path(name) / "shop"
        folder.mkdir()
        init_project(folder, Files(items=files.items, events=files.events))
        with Zhiyin.open(folder) as shop:
            ingest(load_settings(folder), shop.store)
            data, as_of = shop_data(shop)
            split = leave_one_out(data, Terms("validation"))
            events = (event for _, event in shop.store.events(until=as_of.event))
            typed = tuple(typed_in(events, split.fit, Signals()))
    wishes = ((wish.en, data.items.rows(sorted(wish.answers))) for wish in read_wishes())
    return World("shop", data, split, draw_hidden(data, 0.1, given.seed), typed, tuple(wishes))


def beauty_world(given: argparse.Namespace) -> World:
    folder = given.data / "amazon_beauty"
    items = [item for item in read_items(folder) if item.title]
    events = list(read_events(folder, implicit=True))
    if given.most:
        often = Counter(event.item_id for event in events)
        kept = {id_ for id_, _ in often.most_common(given.most)}
        items = [item for item in items if item.item_id in kept]
        kept = {item.item_id for item in items}
        events = [event for event in events if event.item_id in kept]
    data = build_dataset(items, events)
    split = leave_one_out(data, Terms("validation"))
    return World("amazon_beauty", data, split, draw_hidden(data, 0.1, given.seed), ())


def measured(world: World, given: argparse.Namespace) -> tuple[dict[str, float], dict[str, object]]:
    """What is learned, what lists gain by it, and how long it takes."""
    recipe = recipe_of(given)
    past = Past.of(world.split.fit, world.typed, world.hidden, recipe.judged, given.seed)
    model = find_pretrained(recipe.base, given.cache)
    asked = Assignment(
        model,
        recipe.as_tower(),
        past,
        world.data.catalogue,
        "en",
        given.seed,
        Lines(world.name),
        given.cache / "x1",
    )
    lesson = Lesson.of(asked, recipe, {})
    cross = learn_cross(lesson)
    print(world.name, cross.told, cross.before, cross.after, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        written = write_cross(Path(folder), lesson, cross)
        lists = lists_of(world, lesson, given)
        reader = CrossEncoder(written, given.cache, "int8", threads=os.cpu_count() or 1)
        kinds = tell(lists, reader, given.seed, Lines(world.name))
        numbers = {"seconds_learning": cross.seconds, "steps": float(len(cross.curve.steps))}
        for one in kinds:
            print(one.sentence(), flush=True)
            numbers |= {
                f"{one.kind}_without": one.before, f"{one.kind}_with": one.after,
                f"{one.kind}_gain": one.gain.value, f"{one.kind}_gain_low": one.gain.low,
                f"{one.kind}_gain_high": one.gain.high,
                f"{one.kind}_lists": float(one.n_lists), f"{one.kind}_within": one.within,
                f"{one.kind}_gate": one.gate,
            }  # fmt: skip
        numbers |= latency(written, lists, given)
    return numbers, story_of(cross, lesson, [one.sentence() for one in kinds])


def lists_of(world: World, lesson: Lesson, given: argparse.Namespace) -> list[Shortlist]:
    """As they would be served by what is fitted without what is asked."""
    asked: list[Question] = of_wishes([*world.by_hand, *made(lesson, given)][: given.lists])
    asked += of_pasts(sample(world.split, given.lists, given.seed), world.data.catalogue, {})
    recipe, fit = DefaultRecipe(), world.split.fit
    run = Run(CachedEncoder(SentenceEncoder(os.cpu_count() or 1), given.cache), given.seed)
    with tempfile.TemporaryDirectory() as folder:
        live = served(Path(folder), recipe.fit(fit, run), recipe, fit, run)
        return shortlists(live, asked, given.n, Lines(world.name))


def made(lesson: Lesson, given: argparse.Namespace) -> list[tuple[str, np.ndarray]]:
    """Wishes for items of which nothing is learned."""
    drawings, rng = hidden_wishes(lesson.asked, lesson.recipe), np.random.default_rng([given.seed, 8])
    drawn = [one for n in range(given.lists) for one in drawings[n % len(drawings)].draw(rng)[:1]]
    return [(str(one.asked[0][0]), np.union1d(one.no_rivals, [one.target]).astype(np.int32)) for one in drawn]


def latency(model: Pretrained, lists: Sequence[Shortlist], given: argparse.Namespace) -> dict[str, float]:
    """Milliseconds for READ candidates of a list, by the numbers and the threads."""
    found = {}
    texts = list(dict.fromkeys(text for one in lists for text in one.texts))
    rng = np.random.default_rng(given.seed)
    for precision in ("int8", "float32"):
        for threads in (1, 2):
            reader = CrossEncoder(model, given.cache, precision, threads)
            took = []
            for n in range(WARM + TIMED):
                some = [texts[k] for k in rng.choice(len(texts), min(READ, len(texts)), replace=False)]
                began = perf_counter()
                reader.score(f"{lists[n % len(lists)].asked.text} {n}", some)
                took.append(1_000 * (perf_counter() - began))
            for name, q in (("p50", 50), ("p99", 99)):
                found[f"ms_{precision}_{threads}_threads_{name}"] = float(np.percentile(took[WARM:], q))
    return found


def story_of(cross: Cross, lesson: Lesson, sentences: list[str]) -> dict[str, object]:
    return {
        "told": cross.told, "tasks": cross.tasks, "verdict": sentences, "learning_rate": cross.learning_rate,
        "loss": [round(loss, 4) for _, loss, _ in cross.curve.steps], "judged": cross.curve.judged,
        "recipe": lesson.recipe.model_dump(mode="json"),
    }  # fmt: skip


def write(ours: Mapping[str, float], told: Mapping[str, object], given: argparse.Namespace) -> None:
    result = {
        "id": "X1",
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "load": os.getloadavg()[0],
        "ours": rounded({name: value for name, value in ours.items() if np.isfinite(value)}),
        "goal": {},
        "told": told,
        "note": f"the first {given.n} candidates read; latency of {READ} candidates, load of the machine "
        f"{os.getloadavg()[0]:.1f}"
        + (f"; the {given.most:,} items of amazon_beauty that are taken most" if given.most else ""),
    }
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "cross.json").write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    print(orjson.dumps(result["ours"], option=orjson.OPT_INDENT_2).decode(), flush=True)


if __name__ == "__main__":
    main()
