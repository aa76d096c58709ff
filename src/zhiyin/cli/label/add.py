from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli.label.options import Name
from zhiyin.cli.options import HERE, Folder, opened
from zhiyin.cli.show import say


def add(
    name: Name,
    words: Annotated[str, typer.Argument(metavar="TEXT", help="The text, or the id of an item with --item.")],
    label: Annotated[str, typer.Argument(help="What it is.")],
    *,
    item: Annotated[bool, typer.Option("--item", help="TEXT is the id of an item: decide what that is.")] = False,
    folder: Folder = HERE,
) -> None:
    """Say what a text or an item is.

    A person's word counts more than any model, which learns from it when it is trained again.
    """
    from datetime import UTC, datetime

    from zhiyin.workflows.labels.reviewing import add_example, decide

    with opened(folder) as shop:
        if item:
            decide(shop, name, words, label, datetime.now(UTC))
            say([f"{words} is {label} from now on; zhiyin label train {name} learns from it"])
            return
        count = add_example(shop, name, words, label, datetime.now(UTC))
    say([f"{count:,} examples of {name}; zhiyin label train {name} learns from them"])
