from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli import show
from zhiyin.cli.options import HERE, AsJson, Folder, Many, opened
from zhiyin.errors import InvalidQuery


def similar(
    item: Annotated[str | None, typer.Argument(help="Id of the item.")] = None,
    *,
    user: Annotated[str | None, typer.Option("--user", "-u", help="People like this one instead.")] = None,
    n: Many = 10,
    json: AsJson = False,
    folder: Folder = HERE,
) -> None:
    """Items like this one, or people like that one."""
    from zhiyin.workflows.kindred import similar_people

    if (item is None) == (user is None):
        raise InvalidQuery("similar to what? Give the id of an item, or --user and the id of a person")
    with opened(folder) as shop:
        if user is not None:
            people = similar_people(shop, user, n)
            show.as_json(people) if json else show.people(people)
        elif item is not None:
            answer = shop.similar(item, n)
            show.as_json(answer) if json else show.answer(shop, answer)
