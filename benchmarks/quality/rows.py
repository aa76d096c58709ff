"""What is asked in each row of the table, the numbers that count, and what they should be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from blanked import BLANK, loss_of_blanks
from pictured import Change, left_out, shuffled, together_against_each

from zhiyin.data.shop.catalogue import read_goods, read_wishes
from zhiyin.data.store.memory import MemoryStore
from zhiyin.encoders.sentence import SentenceEncoder
from zhiyin.evaluation.comparing import Bootstrap
from zhiyin.evaluation.comparison import versus
from zhiyin.evaluation.measuring import Measured
from zhiyin.evaluation.posing import Terms
from zhiyin.evaluation.standings import WHOLE
from zhiyin.ranking.fusion import PRIOR_GATES, READS
from zhiyin.ranking.learn import FusionRecipe
from zhiyin.recipe import DefaultRecipe
from zhiyin.settings import Settings
from zhiyin.settings_lists import PolicySettings
from zhiyin.shop import Zhiyin
from zhiyin.types import Item, Query

Numbers = Mapping[str, float]
Found = Mapping[str, Measured]  # by the name of what was asked


@dataclass(frozen=True, slots=True)
class Ask:
    """One protocol of one data set."""

    data: str
    protocol: str | None = None
    recipe: DefaultRecipe | None = None  # unset: the default one
    terms: Terms = field(default_factory=Terms)
    reads: bool = True  # false: the sentence encoder says nothing
    changes: Mapping[str, Change] = field(default_factory=dict)  # to vectors of the items, by name
    texts: Literal["all", "marked", "blanked"] = "all"  # marked: those that `blanked` takes are known, and there


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A row of the table: what is asked, the numbers that count, and what they should be."""

    asks: Mapping[str, Ask]  # the first one gives interval and peers
    ours: Callable[[Found], Numbers]
    goal: Numbers
    note: str

    @property
    def recipe(self) -> str:
        """The name of the recipe that is judged."""
        deep = any(ask.recipe is not None and ask.recipe.deep for ask in self.asks.values())
        return "deep" if deep else "default"


def of_first(*metrics: str) -> Callable[[Found], Numbers]:
    def numbers(found: Found) -> Numbers:
        first = next(iter(found.values())).evaluation
        return {metric: first.whole.ours[metric] for metric in metrics}

    return numbers


def of_each(*metrics: str) -> Callable[[Found], Numbers]:
    def numbers(found: Found) -> Numbers:
        return {
            f"{name}_{metric}": one.evaluation.whole.ours[metric]
            for name, one in found.items()
            for metric in metrics
        }

    return numbers


def cold(found: Found) -> Numbers:
    """With all that is known of an item, and with titles only."""
    metrics = ("recall@20", "ndcg@20")
    ours = {metric: found["cold"].evaluation.whole.ours[metric] for metric in metrics}
    return ours | {f"titles_{metric}": found["titles"].evaluation.whole.ours[metric] for metric in metrics}


def beside_ease(found: Found) -> Numbers:
    one = next(iter(found.values())).evaluation
    full = one.whole.ours["ndcg@10_full_ideal"]
    return {
        "ndcg@10": one.whole.ours["ndcg@10"],
        "ndcg@10_full_ideal": full,
        "ratio_to_ease": full / one.whole.peers["ease"]["ndcg@10_full_ideal"],
    }


def gains(found: Found) -> Numbers:
    """Lower end of the interval of the gain over the best baseline, relative to that baseline."""
    each = {
        f"{name}_gain": _gain(one, one.evaluation.whole.best_peer(one.evaluation.main))
        for name, one in found.items()
    }
    return {"min_gain_over_best_baseline": min(each.values())} | each


def gains_of(*peers: str) -> Callable[[Found], Numbers]:
    """The same over the best of these baselines, which are not always the best of all."""

    def numbers(found: Found) -> Numbers:
        each = {f"{name}_gain": min(_gain(one, peer) for peer in peers) for name, one in found.items()}
        return {"min_gain": min(each.values())} | each

    return numbers


def _gain(one: Measured, peer: str) -> float:
    whole, main = one.evaluation.whole, one.evaluation.main
    return whole.gains[peer][main].low / max(whole.peers[peer][main], 1e-12)


def read_against_unread(found: Found) -> Numbers:
    """Of each data set asked with and without the sentence encoder: the relative gain of reading, person by
    person, and the lower end of its interval; and how far Chinese wishes find what English ones do."""
    each: dict[str, float] = {}
    for name, one in found.items():
        if name.endswith(UNREAD):
            continue
        main = one.evaluation.main
        read, unread = (side.standings[WHOLE].of(main) for side in (one, found[name + UNREAD]))
        told = versus(unread, read, Bootstrap(2_000, seed=0))
        assert told is not None
        each[f"{name}_gain"] = told.gain.low / max(told.champion, 1e-12)
        each[f"{name}_gain_mean"] = told.gain.value / max(told.champion, 1e-12)
    lows = sorted((value for name, value in each.items() if name.endswith("_gain")), reverse=True)
    return {"min_gain": lows[1], "overlap@10": overlap()} | each


def overlap() -> float:
    """Of the ten wishes of the made shop, which is read in English alone: the mean share of the first ten items
    that both languages find."""
    items = [
        Item(good.item_id, str(good.row["title"]), str(good.row["text"]), (good.department, good.aisle))
        for good in read_goods()
    ]
    shares = []
    with TemporaryDirectory() as folder:
        settings = Settings(folder=Path(folder), policy=PolicySettings(name="greedy"))
        with Zhiyin(settings, MemoryStore(), SentenceEncoder(threads=2)) as shop:
            shop.put_items(items)
            for wish in read_wishes():
                en, zh = (shop.compute(Query(text=text, n=10)).items for text in (wish.en, wish.zh))
                shares.append(len({one.item_id for one in en} & {one.item_id for one in zh}) / 10)
    return sum(shares) / len(shares)


def with_and_without(**asks: Ask) -> dict[str, Ask]:
    """Every ask twice, the second time with an encoder that says nothing."""
    return asks | {name + UNREAD: replace(ask, reads=False) for name, ask in asks.items()}


def with_blanks(**asks: Ask) -> dict[str, Ask]:
    """Every ask twice, the second time with texts missing."""
    marked = {name: replace(ask, texts="marked") for name, ask in asks.items()}
    return marked | {name + BLANK: replace(ask, texts="blanked") for name, ask in asks.items()}


def newcomers(data: str, protocol: str | None = None) -> dict[str, Ask]:
    """People whom training never saw tell 1, 3 or 5 events."""
    return {
        f"{data}_{given}": Ask(data, protocol, terms=Terms(split="new-users", given=given)) for given in (1, 3, 5)
    }


def pictured(kind: str, *, filtered: bool) -> dict[str, Ask]:
    """With vectors of texts and images, also where channels that add nothing stay; without one of them; and with
    images that are those of other items."""
    ask = Ask("amazon_scientific", terms=Terms(filter_history=filtered))
    return {
        kind: ask,
        f"{kind}_unproven": replace(ask, recipe=DefaultRecipe().as_proven()),
        f"{kind}_without_image": replace(ask, changes={"image": left_out}),
        f"{kind}_without_text": replace(ask, changes={"text": left_out}),
        f"{kind}_shuffled": replace(ask, changes={"image": shuffled}),
    }


UNREAD = "_unread"
BEHAVIOUR = tuple(channel for channel in PRIOR_GATES if channel not in READS)
READING_ALONE = DefaultRecipe(off=BEHAVIOUR, fusion=FusionRecipe(n_examples=0))
"""Nothing is learned from what people did; n_examples 0: not how a past fades either."""

BENCHMARKS: Mapping[str, Benchmark] = {
    "Q1": Benchmark(
        {"beauty": Ask("amazon_beauty")},
        of_first("hr@10", "ndcg@10"),
        {"hr@10": 0.115, "ndcg@10": 0.070},
        "leave-one-out, strict",
    ),
    "Q2": Benchmark(
        {"ml1m": Ask("ml1m", recipe=DefaultRecipe(deep=True))},
        of_first("hr@10", "ndcg@10"),
        {"hr@10": 0.337, "ndcg@10": 0.201},
        "leave-one-out, strict; the deep recipe, whose net learns for at most recipe.sequence.minutes; nobody's "
        "target has a time",
    ),
    "Q3": Benchmark(
        {
            "cold": Ask("citeulike", "cold"),
            "titles": Ask("citeulike", "cold", recipe=DefaultRecipe(off=("graph",))),
        },
        cold,
        {"recall@20": 0.36, "ndcg@20": 0.235, "titles_recall@20": 0.30, "titles_ndcg@20": 0.19},
        "recall is divided by the number of targets; titles: without citations",
    ),
    "Q4": Benchmark(
        {"warm": Ask("citeulike", "warm"), "overall": Ask("citeulike", "overall")},
        of_each("recall@20", "ndcg@20"),
        {
            "warm_recall@20": 0.3252,
            "warm_ndcg@20": 0.2156,
            "overall_recall@20": 0.2285,
            "overall_ndcg@20": 0.1747,
        },
        "the same model as Q3",
    ),
    "Q5": Benchmark(
        {"random8020": Ask("ml1m", "random8020")},
        beside_ease,
        {"ratio_to_ease": 1.02},
        "ndcg@10_full_ideal has the ideal over all of a user's targets, as the published table",
    ),
    "Q6": Benchmark(
        {
            "online_retail_new": Ask("online_retail", terms=Terms(filter_history=True)),
            "online_retail_all": Ask("online_retail", terms=Terms(filter_history=False)),
            "ml100k": Ask("ml100k"),
        },
        gains,
        {"min_gain_over_best_baseline": 0.0},
        "global time split, strict; new: without repeat purchases, all: with them",
    ),
    "Q7": Benchmark(
        {"mcrec": Ask("ml100k", "mcrec")},
        of_first("ndcg@10_full_ideal"),
        {"ndcg@10_full_ideal": 0.300},
        "kg_link names films by their ids in MovieLens 1M, so the graph as given links at random: see docs/LOG.md",
    ),
    "Q8": Benchmark(
        pictured("kept", filtered=False) | pictured("filtered", filtered=True),
        together_against_each,
        {"gain_over_best_single": 0.0},
        "with its vectors of texts and images; gain_over: each alone; added_by: the same recipe without it; "
        "shuffled: every item with the image of another; kept: what people have may come again, filtered: not",
    ),
    "Q11": Benchmark(
        with_and_without(
            ml1m=Ask("ml1m"),
            amazon_beauty=Ask("amazon_beauty"),
            online_retail=Ask("online_retail"),
            citeulike_cold=Ask("citeulike", "cold"),
        ),
        read_against_unread,
        {"min_gain": 0.0, "overlap@10": 0.5},
        "with the sentence encoder against without, words kept, gates learned anew; min_gain: the second best of "
        "the lower ends, so that above 0 two sets gain",
    ),
    "Q12": Benchmark(
        newcomers("ml1m") | newcomers("amazon_beauty") | newcomers("online_retail"),
        gains_of("popular", "item_knn", "text_knn"),
        {"min_gain": 0.0},
        "people never seen in training, 1 / 3 / 5 events given",
    ),
    "Q13": Benchmark(
        {
            "amazon_beauty": Ask("amazon_beauty", recipe=READING_ALONE),
            "citeulike": Ask("citeulike", "overall", recipe=READING_ALONE),
        },
        gains_of("text_knn"),
        {"min_gain": 0.0},
        "zero-shot: nothing is learned from behaviour; the gain is over TF-IDF kNN on titles",
    ),
    "R1": Benchmark(
        with_blanks(amazon_beauty=Ask("amazon_beauty"), citeulike_cold=Ask("citeulike", "cold")),
        loss_of_blanks,
        {},
        "30 % of the items lose their title and every other text, drawn by seed; change: of ndcg@10 (beauty) and "
        "ndcg@20 (citeulike) relative to all texts; lost, kept: targets that are such items, and the others",
    ),
}
