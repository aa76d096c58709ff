"""How results look on a terminal: tables that know wide characters, lights, lists with their reasons."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from zhiyin.shop import Zhiyin
    from zhiyin.types import Place, Recommendation
    from zhiyin.workflows.evaluation import Evaluation

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


def as_json(answer: Recommendation) -> None:
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
    typer.echo(f"{shown.mode}, bundle {shown.bundle[:12]}, recommendation {shown.recommendation_id}")
    if shown.missing_ids:
        typer.echo(f"not in the catalogue: {', '.join(shown.missing_ids)}")


def evaluation(found: Evaluation) -> None:
    """Our numbers and everybody else's, then the verdict."""
    from zhiyin.workflows.verdict import permutation

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


def _numbers(found: Evaluation, numbers: Mapping[str, float]) -> list[str]:
    return [f"{numbers[metric]:.4f}" if metric in numbers else "" for metric in found.reported]


def _title(shop: Zhiyin, item_id: str) -> str:
    item = shop.store.item(item_id)
    return item.title[:60] if item is not None else ""


def _why(place: Place) -> str:
    told = []
    for reason in place.reasons:
        through = ", ".join((*reason.items, *reason.words))
        told.append(f"{reason.channel} {reason.share:.0%}{f' ({through})' if through else ''}")
    return "; ".join(told)
