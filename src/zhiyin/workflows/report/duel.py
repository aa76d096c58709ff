"""Champion against challenger, as figures: by measure, by bucket, and person by person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from markupsafe import Markup

from zhiyin.evaluation.comparison import Comparison, Versus
from zhiyin.evaluation.record import split_name
from zhiyin.evaluation.shelves import STEMS
from zhiyin.evaluation.verdict import FEW
from zhiyin.workflows.report.drawing import Mark, axis, shares, strip
from zhiyin.workflows.report.figures import (
    NEW,
    Cell,
    Figure,
    Headline,
    Row,
    Table,
    difference_cell,
    forest_row,
    grouped,
)
from zhiyin.workflows.report.scales import Scale
from zhiyin.workflows.report.wording import (
    between,
    bounds_of,
    bucket_title,
    measure_title,
    number,
    percent,
    tone_of,
)

SAID = {
    "better": "The challenger is better",
    "worse": "The champion stays better",
    "even": "No difference is shown",
}


def headline(found: Comparison) -> Headline:
    """Who wins, and by how much."""
    whole = found.metrics[found.main]
    tone = "worse" if found.refused else tone_of(whole.gain)
    return Headline(
        tone,
        "These numbers are worth nothing: the answers were known" if found.refused else SAID[tone],
        number(whole.challenger),
        f"{found.main} of the challenger, against {number(whole.champion)} of the champion",
        percent(whole.challenger, whole.champion) or number(whole.gain.value, signed=True),
        f"difference {number(whole.gain.value, signed=True)} {between(bounds_of(whole.gain), signed=True)}",
    )


def accuracy(found: Comparison) -> Figure:
    """The paired difference in each measure of accuracy."""
    chosen = {name: one for name, one in found.metrics.items() if split_name(name)[0] not in STEMS}
    return _forest("Measures of accuracy", chosen, str, chosen, measure_title)


def groups(found: Comparison) -> Iterator[tuple[str, Figure]]:
    """For which items and people it changes."""
    for title, chosen in grouped(found.buckets):
        yield title, _forest(f"{found.main}: {title}", chosen, bucket_title, found.buckets)
    if found.cold:
        yield NEW, _forest(f"{found.main}: {NEW}", found.cold, bucket_title, found.cold)


def shelf(found: Comparison) -> Figure:
    """What kind of lists both give, each measure on a scale of its own."""
    names = [f"{stem}@10" for stem in STEMS if f"{stem}@10" in found.metrics]
    return Figure(
        "Beyond accuracy",
        ("challenger − champion, each on a scale of its own",),
        ("champion", "challenger", "difference, 95 % interval"),
        tuple(_shelf_row(name, found.metrics[name]) for name in names),
        (),
    )


def people(found: Comparison) -> Markup:
    """How many got more, as much, and less."""
    counted = found.people
    told = f"{counted.better:,} people got more, {counted.equal:,} as much, {counted.worse:,} less"
    return shares(((counted.better, "better"), (counted.equal, "even"), (counted.worse, "worse")), told)


def settings(found: Comparison) -> Table | None:
    """Where the recipes differ."""
    rows = tuple((one.name, one.champion or "–", one.challenger or "–") for one in found.settings)
    return Table("Settings in which the two differ", ("setting", "champion", "challenger"), rows) if rows else None


def _forest(
    title: str,
    chosen: Mapping[str, Versus],
    named: Callable[[str], str],
    beside: Mapping[str, Versus],
    about: Callable[[str], str] = lambda _: "",
) -> Figure:
    """`beside`: all that stands on the same scale."""
    scale = Scale.around(bound for one in beside.values() for bound in bounds_of(one.gain))
    rows = (_row(named(name), about(name), one, scale) for name, one in chosen.items())
    return Figure(
        title,
        ("challenger − champion",),
        ("people", "champion", "challenger", "difference, 95 % interval"),
        tuple(rows),
        (axis(scale, signed=True),),
    )


def _row(name: str, about: str, one: Versus, scale: Scale) -> Row:
    few = one.n_users < FEW
    row = forest_row(name, one.gain, scale, note="too few to say" if few else about)
    numbers = Cell(f"{one.n_users:,}"), Cell(number(one.champion)), Cell(number(one.challenger)), *row.numbers
    return Row(name, row.plots, numbers, row.note, "few" if few else row.style)


def _shelf_row(name: str, one: Versus) -> Row:
    title, tone = split_name(name)[0].replace("_", " "), tone_of(one.gain)
    told = f"{title}: champion {number(one.champion)}, challenger {number(one.challenger)}"
    mark = Mark(one.gain.value, "even" if tone == "even" else "moved", one.gain.low, one.gain.high)
    plot = strip(Scale.around(bounds_of(one.gain)), [mark], told, most=0)
    numbers = Cell(number(one.champion)), Cell(number(one.challenger)), difference_cell(one.gain)
    return Row(title, (plot,), numbers, measure_title(name))
