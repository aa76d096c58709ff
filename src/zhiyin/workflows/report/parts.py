"""What was measured of one bundle, as figures: against baselines, for whom, by which channels, beyond accuracy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from zhiyin.evaluation.record import Evaluation, Section, split_name
from zhiyin.evaluation.shelves import STEMS
from zhiyin.evaluation.verdict import FEW
from zhiyin.workflows.report.drawing import Curve, Mark, axis, curves, strip
from zhiyin.workflows.report.figures import (
    NEW,
    Cell,
    Figure,
    Row,
    Table,
    difference_cell,
    forest,
    forest_row,
    grouped,
    level_strip,
    levels_scale,
)
from zhiyin.workflows.report.scales import Scale
from zhiyin.workflows.report.wording import (
    DIGITS,
    MEASURES,
    between,
    bucket_title,
    channel_about,
    measure_title,
    number,
    peer_title,
    tone_of,
)

BY_PLACES = ("ndcg", "recall", "hr", "mrr")


@dataclass(frozen=True, slots=True)
class Small:
    """A small plot among others."""

    name: str
    about: str
    plot: Markup


def against_baselines(found: Evaluation) -> Figure:
    """The paired difference to each baseline."""
    gains = {peer_title(name): gains[found.main] for name, gains in found.whole.gains.items()}
    return forest(f"Difference to each baseline in {found.main}", f"zhiyin − baseline, {found.main}", gains)


def reported(found: Evaluation) -> Table:
    """The short table: systems by reported metric, best first."""
    whole, (low, high) = found.whole, found.whole.interval[found.main]
    peers = sorted(whole.peers, key=lambda name: -whole.peers[name][found.main])
    rows = [("zhiyin", *(number(whole.ours.get(metric)) for metric in found.reported))]
    rows += [(peer_title(name), *(number(whole.peers[name].get(m)) for m in found.reported)) for name in peers]
    title = f"zhiyin and all baselines; {found.main} of zhiyin lies in {between((low, high))}"
    return Table(title, ("", *found.reported), tuple(rows))


def bucket_groups(found: Evaluation) -> Iterator[tuple[str, Figure]]:
    """Quality by kind of item and of person, all on one scale; what was carved apart has a scale of its own."""
    scale = levels_scale(found.buckets.values(), found.main)
    for title, chosen in grouped(found.buckets):
        yield title, _levels(title, chosen, found, scale)
    if found.cold:
        yield NEW, _levels(NEW, found.cold, found, levels_scale(found.cold.values(), found.main))


def channels(found: Evaluation) -> Figure:
    """Each channel alone, and what the whole loses without it; the most useful first."""
    ours = found.whole.ours[found.main]
    alone = Scale.around([ours, *(numbers[found.main] for numbers in found.channels.values())])
    worth = Scale.around(value for gain in found.worth.values() for value in (gain.low, gain.high))
    ordered = sorted(found.worth, key=lambda name: -found.worth[name].value)
    return Figure(
        f"Channels, in {found.main}",
        ("alone; the dashed line is all together", "all together − all without it"),
        ("alone", "difference, 95 % interval"),
        tuple(_channel(name, found, alone, worth) for name in ordered),
        (axis(alone, signed=False, most=4), axis(worth, signed=True, most=4)),
    )


def gates(found: Evaluation) -> tuple[Small, ...]:
    """How loud each channel is, by history and kind of item: one small plot a channel, one scale for all."""
    learned = found.gates
    heights = [value for rows in learned.channels.values() for row in rows for value in row]
    scale = Scale.around(heights)
    places = [str(from_) for from_ in learned.histories[:-1]] + [f"{learned.histories[-1]}+"]
    small = []
    for name, rows in learned.channels.items():
        drawn = [
            Curve(kind, tuple(row[k] for row in rows), f"k{k}", labelled=False)
            for k, kind in enumerate(learned.kinds)
        ]
        small.append(Small(name, channel_about(name), curves(places, drawn, scale, f"Gate of {name}")))
    return tuple(small)


def gates_table(found: Evaluation) -> Table:
    """The same as numbers."""
    learned = found.gates
    heads = ("channel", "items", *(f"history from {n}" for n in learned.histories))
    rows = (
        (name, kind, *(f"{row[k]:.2f}" for row in by_history))
        for name, by_history in learned.channels.items()
        for k, kind in enumerate(learned.kinds)
    )
    return Table("Gates by channel, kind of item and length of the history", heads, tuple(rows))


def places(found: Evaluation) -> tuple[Small, ...]:
    """Accuracy by the number of places, ours against all baselines; measures that say the same here come once."""
    plots: dict[tuple[float, ...], Small] = {}
    for stem in BY_PLACES:
        ks = sorted(int(k) for name in found.whole.ours for head, k in [split_name(name)] if head == stem and k)
        drawn = _by_k(stem, ks, found)
        values = tuple(round(value, DIGITS) for curve in drawn for value in curve.values)
        if len(ks) > 1 and values not in plots:
            title = f"{stem} by the number of places, zhiyin and all baselines"
            plot = curves([str(k) for k in ks], drawn, Scale.around(values), title)
            plots[values] = Small(stem, MEASURES[stem].format(k="k"), plot)
    return tuple(plots.values())[:3]


def shelf(found: Evaluation) -> Figure:
    """What accuracy does not say, each measure on a scale of its own, among the baselines."""
    whole = found.whole
    names = [f"{stem}@10" for stem in STEMS if f"{stem}@10" in whole.ours]
    return Figure(
        "Beyond accuracy",
        ("from the lowest to the highest",),
        ("zhiyin", "baselines"),
        tuple(_shelf_row(name, found) for name in names),
        (),
    )


def star_errors(found: Evaluation) -> Figure | None:
    """By how much our predicted ratings are off, against the others."""
    if found.stars is None:
        return None
    gains = {peer_title(name): gains["rmse"] for name, gains in found.stars.gains.items()}
    title = "Difference to each baseline in rmse"
    return forest(title, "zhiyin − baseline, rmse: left is better", gains, more_is_better=False)


def permutation(found: Evaluation) -> Figure | None:
    """What reading gives on hidden items, with their own texts and with those of others."""
    test = found.permuted
    if test is None:
        return None
    gains = [
        *((f"{name}, own texts", gain) for name, gain in test.own.items()),
        *((f"{name}, texts of others", gain) for name, gain in test.others.items()),
        ("known items, texts of others", test.warm),
    ]
    scale = Scale.around(value for _, gain in gains for value in (gain.low, gain.high))
    return Figure(
        f"Gain over a list at random in {test.metric}",
        (f"gain over a list at random, {test.metric}",),
        ("gain, 95 % interval",),
        tuple(forest_row(name, gain, scale) for name, gain in gains),
        (axis(scale, signed=True),),
    )


def all_numbers(found: Evaluation) -> Table:
    """Everything about everybody, with our intervals."""
    whole = found.whole
    ours = {name: f"{number(value)} {between(whole.interval.get(name))}" for name, value in whole.ours.items()}
    heads = ("", "zhiyin", *(peer_title(name) for name in whole.peers))
    rows = (
        (name, ours[name], *(number(numbers.get(name)) for numbers in whole.peers.values())) for name in whole.ours
    )
    return Table("All measures of all systems, with the 95 % interval of zhiyin's", heads, tuple(rows))


def _levels(title: str, sections: Mapping[str, Section], found: Evaluation, scale: Scale) -> Figure:
    return Figure(
        title,
        (found.main,),
        ("people", "zhiyin", "best baseline", "against the rest"),
        tuple(_level(name, part, found, scale) for name, part in sections.items()),
        (axis(scale, signed=False),),
    )


def _level(name: str, part: Section, found: Evaluation, scale: Scale) -> Row:
    best, gap, said = part.best_peer(found.main), found.gaps.get(name), bucket_title(name)
    few = part.n_users < FEW
    return Row(
        said,
        (level_strip(said, part, found.main, scale),),
        (
            Cell(f"{part.n_users:,}"),
            Cell(number(part.ours[found.main]), between(part.interval[found.main])),
            Cell(number(part.peers[best][found.main]), peer_title(best)),
            difference_cell(gap) if gap else Cell("–"),
        ),
        "too few to say" if few else "",
        "few" if few else tone_of(part.gains[best][found.main]),
    )


def _channel(name: str, found: Evaluation, alone: Scale, worth: Scale) -> Row:
    value, ours = found.channels[name][found.main], found.whole.ours[found.main]
    first = strip(alone, [Mark(value, "ours")], f"{name} alone: {number(value)}", line=ours, most=4)
    row = forest_row(name, found.worth[name], worth, note=channel_about(name), most=4)
    return Row(name, (first, *row.plots), (Cell(number(value)), *row.numbers), row.note, row.style)


def _by_k(stem: str, ks: Sequence[int], found: Evaluation) -> list[Curve]:
    """All baselines, the best of them last, then ours."""
    whole = found.whole
    best = whole.best_peer(found.main)
    drawn = []
    for name in sorted(whole.peers, key=lambda one: one == best):
        values = tuple(whole.peers[name][f"{stem}@{k}"] for k in ks)
        drawn.append(Curve(peer_title(name), values, "best" if name == best else "rest", name == best))
    return [*drawn, Curve("zhiyin", tuple(whole.ours[f"{stem}@{k}"] for k in ks), "ours")]


def _shelf_row(name: str, found: Evaluation) -> Row:
    whole = found.whole
    ours = whole.ours[name]
    theirs = {peer_title(peer): numbers[name] for peer, numbers in whole.peers.items() if name in numbers}
    scale = Scale.around([ours, *theirs.values()], zero=False)
    marks = [Mark(value, "other", title=f"{peer} {number(value)}") for peer, value in theirs.items()]
    bounds = whole.interval.get(name)
    low, high = bounds or (None, None)
    marks.append(Mark(ours, "ours", low, high, f"zhiyin {number(ours)} {between(bounds)}"))
    told = f"{name}: zhiyin {number(ours)}; " + ", ".join(
        f"{peer} {number(value)}" for peer, value in theirs.items()
    )
    span = (number(min(theirs.values())), f"to {number(max(theirs.values()))}") if theirs else ("",)
    numbers = Cell(number(ours), between(bounds)), Cell(*span)
    title = split_name(name)[0].replace("_", " ")
    return Row(title, (strip(scale, marks, told, line=None, most=0),), numbers, measure_title(name))
