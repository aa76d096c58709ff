"""Names and numbers as the pages say them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from zhiyin.evaluation.record import Bounds, Gain, Gap, split_name
from zhiyin.evaluation.stars import BIAS
from zhiyin.models.baselines import TITLES
from zhiyin.models.propagation import COLD
from zhiyin.models.vectors import is_vector
from zhiyin.recipe import DefaultRecipe
from zhiyin.workflows.report.drawing import Tone, label

# What a measure says, by its name without the number of places.
MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "hr": "lists of {k} that hold something wanted",
        "recall": "of what is wanted, the share found in {k} places",
        "recall_min_k": "found in {k} places, of as much as {k} places can hold",
        "precision": "of {k} places, the share that was wanted",
        "f1": "harmonic mean of precision and recall",
        "ndcg": "how high what is wanted stands in the first {k}: 1 is perfect",
        "ndcg_full_ideal": "the same, over a list long enough for all that is wanted",
        "mrr": "one over the place of the first find",
        "map": "mean precision at the places of the finds",
        "auc": "chance that wanted stands above not wanted",
        "gauc": "the same, people weighed by what they want",
        "coverage": "share of the catalogue that is in somebody's list",
        "gini": "inequality of how often items are shown: 0 all alike, 1 one item only",
        "novelty": "how surprising an item is, in bits: 10 for one that a thousandth of the people have",
        "diversity": "how unlike the items of one list are: 0 all the same, 1 nothing in common",
        "popularity_lift": "how much more popular lists are than what people had: 0 equally",
        "miscalibration": "how far a list's categories are from the person's own: 0 not at all",
        "rmse": "root of the mean square error of predicted ratings",
        "mae": "mean error of predicted ratings",
    }
)
DIGITS = 4
TINY = 0.00005  # shown as 0.0000


def measure_title(name: str) -> str:
    """What a measure says, in words."""
    stem, k = split_name(name)
    return MEASURES[stem].format(k=k) if stem in MEASURES else ""


def peer_title(name: str) -> str:
    """A baseline by the name that people know it by."""
    return "the biases alone" if name == BIAS else TITLES.get(name, name)


def channel_about(name: str) -> str:
    """What a channel goes by; nothing for one that is no part of the recipe."""
    field = DefaultRecipe.model_fields.get("vectors" if is_vector(name) else name)
    return (field.description or "").rstrip(".").lower() if field else ""


def bucket_title(name: str) -> str:
    """A bucket in words: support 5-19 -> taken 5–19 times."""
    kind, _, span = name.replace("_", " ").partition(" ")
    many = f"{span[:-1]} {{}} or more" if span.endswith("+") else f"{span.replace('-', '–')} {{}}"
    if kind == "support":
        return "never taken" if span == "0" else f"taken {many.format('times')}"
    if kind == "history":
        return many.format("event" if span == "1" else "events")
    if kind == "newcomers":
        return f"new people, {many.format('event' if span == '1' else 'events')} told"
    return {
        "cold_items": "new items",
        "warm items": f"warm: taken {COLD} times or more",
        "cold items": f"cold: taken fewer than {COLD} times",
    }.get(name, name)


def sentence(words: str) -> str:
    """With a capital and a full stop."""
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith('.') else '.'}"


def number(value: float | None, *, signed: bool = False) -> str:
    """Four decimals; a dash for none."""
    return "–" if value is None else label(value, DIGITS, signed)


def between(bounds: Bounds | None, *, signed: bool = False) -> str:
    """An interval in brackets."""
    return "" if bounds is None else f"[{number(bounds[0], signed=signed)}, {number(bounds[1], signed=signed)}]"


def bounds_of(gain: Gain | Gap) -> Bounds:
    return gain.low, gain.high


def tone_of(gain: Gain | Gap, *, more_is_better: bool = True) -> Tone:
    """Whether a difference is shown, and which way."""
    if gain.low <= 0 <= gain.high:
        return "even"
    return "better" if (gain.low > 0) == more_is_better else "worse"


def percent(ours: float, theirs: float) -> str:
    """How much more, relative to theirs; nothing where that says nothing."""
    if theirs < TINY:
        return ""
    return f"{label(100 * (ours / theirs - 1), 0, signed=True)} %"


def duration(seconds: float) -> str:
    """4.2 s, 3 min 20 s."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
