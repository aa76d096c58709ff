"""The group of all commands about labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import typer

from zhiyin.cli.guard import guarded
from zhiyin.cli.label import add, apply, next, review, show, text, train, watch  # noqa: A004  # a module
from zhiyin.cli.unfold import unfolded

COMMANDS: Mapping[str, Callable[..., None]] = {
    "train": train.train,
    "show": show.show,
    "text": text.text,
    "apply": apply.apply,
    "review": review.review,
    "add": add.add,
    "next": next.next_,
    "watch": watch.watch,
}


def label_commands() -> typer.Typer:
    """`zhiyin label`."""
    group = typer.Typer(
        help="Topics, sentiment, intents, harm of texts.", no_args_is_help=True, rich_markup_mode=None
    )
    for name, command in COMMANDS.items():
        group.command(name)(guarded(unfolded(command)))
    return group
