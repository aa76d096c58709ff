"""How results look on a terminal: tables that know wide characters, lights, lists with their reasons."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from zhiyin.evaluation.comparison import Comparison
    from zhiyin.evaluation.record import Evaluation, Section
    from zhiyin.metrics.intervals import Interval
    from zhiyin.shop import Zhiyin
    from zhiyin.types import Place, Reason, Recommendation
    from zhiyin.workflows.compress import Report
    from zhiyin.workflows.courses import Simulated
    from zhiyin.workflows.exploring import Exploration
    from zhiyin.workflows.kindred import SimilarPeople
    from zhiyin.workflows.off_policy import OffPolicy
    from zhiyin.workflows.profile import Told
    from zhiyin.workflows.tune import Tuned

LIGHTS = {"green": typer.colors.GREEN, "amber": typer.colors.YELLOW, "red": typer.colors.RED}
WIDE = 160  # characters of a line that goes to a file


def say(sentences: Iterable[str]) -> None:
    """One a line."""
    for sentence in sentences:
        typer.echo(sentence)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Aligned columns without a frame."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(*titles, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        shown.add_row(*(Text(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else WIDE, highlight=False).print(shown)


def light(colour: str, about: str, told: str, cure: str) -> None:
    """One finding; its cure on a line of its own."""
    typer.secho(f"{colour:<6}", fg=LIGHTS[colour], nl=False)
    typer.echo(f"{about:<18} {told}")
    if cure:
        typer.echo(f"{'':<24} -> {cure}")


def as_json(answer: Recommendation | SimilarPeople | Sequence[Told] | Exploration) -> None:
    """All of it."""
    import orjson

    typer.echo(orjson.dumps(answer, default=dict, option=orjson.OPT_INDENT_2).decode())


def answer(shop: Zhiyin, shown: Recommendation) -> None:
    """A list with titles and reasons, and what made it."""
    rows = [
        (str(place), one.item_id, _title(shop, one.item_id), f"{one.score:.3f}", _why(one))
        for place, one in enumerate(shown.items, start=1)
    ]
    table(("", "item", "title", "score", "because"), rows)
    if shown.query.filter and not rows:
        typer.echo(f"no item that may be shown passes the filter {shown.query.filter}")
    typer.echo(f"{shown.mode}, bundle {shown.bundle[:12]}, recommendation {shown.recommendation_id}")
    if shown.missing_ids:
        typer.echo(f"not in the catalogue: {', '.join(shown.missing_ids)}")


def people(found: SimilarPeople) -> None:
    """Those most like a person, and by what."""
    if not found.people:
        typer.echo(f"nobody likes anything that {found.user_id} likes")
        return
    rows = [
        (str(place), one.user_id, f"{one.similarity:.3f}", str(one.n_shared), ", ".join(one.shared))
        for place, one in enumerate(found.people, start=1)
    ]
    table(("", "person", "similarity", "shared", "such as"), rows)


def lines(found: Sequence[Told]) -> None:
    """A person in words; of each line how it is named in an edit."""
    if not found:
        typer.echo("nothing stands out yet, and nothing was said: --say 'I like slow films, no horror'")
    for one in found:
        typer.echo(one.sentence)
        typer.echo(f"    {one.because}")
        typer.echo(f"    {one.field}={one.value}")


def evaluation(found: Evaluation, out: Path | None, report: Path | None) -> None:
    """Our numbers and everybody else's, then the verdict; and all of it into the files that were wished for."""
    from zhiyin.evaluation.verdict import permutation

    whole = found.whole
    titles = ("", *found.reported)
    rows = [(name, *_numbers(found, numbers)) for name, numbers in sorted(whole.peers.items())]
    low, high = whole.interval[found.main]
    table(titles, [("zhiyin", *_numbers(found, whole.ours)), *rows])
    typer.echo(
        f"{found.question.words}; {whole.n_users:,} people; {found.main} of zhiyin in [{low:.4f}, {high:.4f}]"
    )
    for leak in found.refused:
        light("red", leak.name, leak.words, "the numbers are worth nothing until this is mended")
    for leak in found.warnings:
        light("amber", leak.name, leak.words, "")
    if found.permuted is not None and found.permuted.vanishes:
        say([permutation(found.permuted)])
    say(found.verdict)
    say(found.notes)
    _written(found, out, report)


def comparison(found: Comparison, out: Path | None, report: Path | None) -> None:
    """Both by every measure, then the verdict; and all of it into the files that were wished for."""
    titles = ("", "champion", "challenger", "difference", "95 % interval")
    rows = [
        (name, f"{one.champion:.4f}", f"{one.challenger:.4f}", f"{one.gain.value:+.4f}",
         f"[{one.gain.low:+.4f}, {one.gain.high:+.4f}]")
        for name, one in found.metrics.items()
    ]  # fmt: skip
    table(titles, rows)
    people, pair = found.people, (found.champion.bundle[:12], found.challenger.bundle[:12])
    typer.echo(f"champion {pair[0]}, challenger {pair[1]}; {found.question.words}")
    typer.echo(f"{found.main}: {people.better:,} people got more, {people.equal:,} as much, {people.worse:,} less")
    for told in found.doubts:
        light("red" if found.refused else "amber", "doubt", told, "")
    say(found.verdict)
    _written(found, out, report)


def tuning(found: Tuned, out: Path | None, *, written: bool) -> None:
    """What each search found, then the settings as they stand in zhiyin.toml."""
    titles = ("", "tried", "minutes", f"{found.metric} untuned", "tuned", "settings that differ")
    rows = [
        (one.title, str(len(one.trials)), f"{one.seconds / 60:.1f}", f"{one.start.value:.4f}",
         f"{one.best.value:.4f}", str(len(one.changes)))
        for one in found.searches
    ]  # fmt: skip
    table(titles, rows)
    say(found.sentences())
    if found.test is not None:
        _tested(found.metric, found.test, {one.name: one.title for one in found.searches})
    if out is not None:
        out.write_bytes(found.to_json())
    if found.settings:
        typer.echo("Written into zhiyin.toml:" if written else "For zhiyin.toml, or --write puts it there:")
        say(found.lines())
        typer.echo("Next: zhiyin train, then zhiyin compare --again: the test part says whether it helped")


def compression(found: Report, out: Path | None) -> None:
    """A line a step, then what was done in each."""
    titles = ("", "MB", "texts/s", "one, ms", "cosine", "lowest 5 %", "same 10", "task")
    rows = [
        (one.name, _known(one.megabytes, 1), f"{one.per_second:,.0f}", f"{one.latency_ms:.2f}",
         *(_known(value) for value in (one.cosine, one.cosine_low, one.agreement, one.quality)))
        for one in found.steps
    ]  # fmt: skip
    table(titles, rows)
    say(f"{one.name}: {one.told}" for one in found.steps)
    say((f"task: {found.task}", *found.notes))
    say((f"{found.n_asked:,} texts asked, {found.n_texts:,} made by; licence: {found.licence}",))
    if out is not None:
        out.write_bytes(found.to_json())
    typer.echo(f'Next: encoder.model = "{found.tower}" in zhiyin.toml, then zhiyin train and zhiyin evaluate')


def _known(value: float, digits: int = 4) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def _tested(metric: str, test: Section, titles: Mapping[str, str]) -> None:
    """What was found, on the part that nothing was chosen by."""
    ours, (low, high) = test.ours[metric], test.interval[metric]
    rows = [("zhiyin, tuned", f"{ours:.4f}", "", f"[{low:.4f}, {high:.4f}]")]
    for name, numbers in test.peers.items():
        gain = test.gains[name][metric]
        title = f"{titles[name]}, tuned" if name in titles else "zhiyin, untuned"
        rows.append(
            (title, f"{numbers[metric]:.4f}", f"{gain.value:+.4f}", f"[{gain.low:+.4f}, {gain.high:+.4f}]")
        )
    table((f"test part, {test.n_users:,} people", metric, "zhiyin, tuned, has more", "95 % interval"), rows)


def _written(found: Evaluation | Comparison, out: Path | None, report: Path | None) -> None:
    """Write what was wished for, and say where the page is."""
    from zhiyin.workflows.report import page_of, write_page

    if out is not None:
        out.write_bytes(found.to_json())
    if report is not None:
        write_page(report, page_of(found))
        typer.echo(f"Report: {report}")


def _numbers(found: Evaluation, numbers: Mapping[str, float]) -> list[str]:
    return [f"{numbers[metric]:.4f}" if metric in numbers else "" for metric in found.reported]


def _title(shop: Zhiyin, item_id: str) -> str:
    item = shop.store.item(item_id)
    return item.title[:60] if item is not None else ""


def _why(place: Place) -> str:
    told = []
    for reason in place.reasons:
        through = ", ".join((*_path(reason), *reason.items, *reason.words))
        told.append(f"{reason.channel} {reason.share:.0%}{f' ({through})' if through else ''}")
    return "; ".join(told)


def _path(reason: Reason) -> tuple[str, ...]:
    """What a reason goes through before it reaches the items of the history."""
    if reason.path is None:
        return ()
    end = reason.path.entity or reason.path.item
    return (f"{reason.path.relation}: {end}" if end else reason.path.relation,)


def off_policy(found: OffPolicy) -> None:
    """What a list earned and would have earned, each way with its light."""
    say(found.sentences)
    for told in found.told:
        words = f"of {told.overlap.n:,} lists as good as {told.overlap.effective:,.0f}"
        if told.point is not None and told.value is None:
            words = f"{told.point:.4f} a list, of which no interval can be given; {words}"
        if told.value is not None and told.gain is not None:
            low, high = told.value.low, told.value.high
            words = f"{told.value.value:.4f} a list [{low:.4f}, {high:.4f}], {_gained(told.gain)}; {words}"
        light(told.overlap.light, told.way, f"{told.assumes}: {words}", "; ".join(told.overlap.reasons))


def _gained(gain: Interval) -> str:
    if gain.excludes_zero:
        return (
            f"{'more' if gain.value > 0 else 'less'} by {abs(gain.value):.4f} [{gain.low:+.4f}, {gain.high:+.4f}]"
        )
    return f"no difference that can be told [{gain.low:+.4f}, {gain.high:+.4f}]"


def exploration(found: Exploration) -> None:
    """What was spent by day, what it bought, and how far people look."""
    from zhiyin.workflows.exploring import said

    say(found.sentences)
    spent = ("?" if one.lost is None else said(one.lost) for one in found.days)
    days = ((one.day, f"{one.n_lists:,}", f"{one.explored:.1%}") for one in found.days)
    table(("day", "lists", "explored", "spent"), ((*day, cost) for day, cost in zip(days, spent, strict=True)))
    for name, one in found.sights.items():
        looked = " ".join(f"{chance:.2f}" for chance in one.chance)
        say([f"looked at, place by place, {name}: {looked} (by {one.n_clicks:,} clicks)"])
    for width in found.widths:
        most = "" if width.most == width.least else "+" if width.most is None else f"-{width.most}"
        say([f"{width.n_items:,} items shown {width.least}{most} times: believed within {width.sd:.3f}"])


def simulation(found: Simulated, report: Path | None, *, json: bool) -> None:
    """A line a policy, as clicks a list; the rest in words, or all of it as JSON, and as a page."""
    if json:
        typer.echo(found.to_json())
    else:
        table(("", "clicks", "best", "chance", "regret", "happened", "explored", "new items"), _courses(found))
        say(found.sentences)
    if report is not None:
        from zhiyin.workflows.report import page_of, write_page

        write_page(report, page_of(found))
        typer.echo(f"Report: {report}", err=json)


def _courses(found: Simulated) -> Iterable[Sequence[str]]:
    for course in found.courses:
        lists = course.total("lists")
        a_list = [course.total(what) / lists for what in ("worth", "best", "chance")]
        numbers = [*a_list, course.regret / lists, course.total("clicks") / lists]
        explored = course.total("explored") / course.total("places")
        new = f"{course.total('new_shown'):,.0f} shown, {course.total('new_clicks'):,.0f} clicked"
        yield course.name, *(f"{number:.3f}" for number in numbers), f"{explored:.0%}", new
