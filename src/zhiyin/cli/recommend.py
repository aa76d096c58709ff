from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli import show
from zhiyin.cli.options import HERE, AsJson, Folder, Many, opened


def recommend(
    *,
    user: Annotated[str | None, typer.Option("--user", "-u", help="For whom; nobody known if not given.")] = None,
    text: Annotated[str | None, typer.Option("--text", "-t", help="A wish in words.")] = None,
    n: Many = 10,
    where: Annotated[str | None, typer.Option("--filter", help="Such as 'price < 20'.")] = None,
    json: AsJson = False,
    folder: Folder = HERE,
) -> None:
    """A list for a person, a wish, or both.

    It is logged like every list that is shown.
    """
    from zhiyin.types import Query

    with opened(folder) as shop:
        answer = shop.answer(Query(user_id=user, text=text, n=n, filter=where))
        show.as_json(answer) if json else show.answer(shop, answer)
