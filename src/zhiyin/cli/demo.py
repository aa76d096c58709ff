from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from zhiyin.cli.options import opened
from zhiyin.cli.show import say


def demo(
    *,
    data: Annotated[Literal["movielens", "groceries", "shop"], typer.Option(help="Which data.")] = "movielens",
    folder: Annotated[Path, typer.Option("--folder", "-C", help="Where to make it.")] = Path("demo"),
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve it when it is made.")] = True,
    port: Annotated[int | None, typer.Option(help="Port; 8420 if not given, 0 takes a free one.")] = None,
) -> None:
    """From nothing to live recommendations.

    Makes a folder with data, imports, trains, evaluates, publishes and serves them.
    """
    from zhiyin.service.run import serve as go_live
    from zhiyin.workflows.demo import begin, finish

    say(begin(folder, data))
    with opened(folder) as shop:
        say(finish(shop))
        if serve:
            go_live(shop, None, port)
