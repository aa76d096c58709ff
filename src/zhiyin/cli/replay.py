from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli.options import HERE, Folder, opened
from zhiyin.cli.show import say


def replay(
    recommendation: Annotated[str, typer.Argument(help="Id of a list that was shown.")], *, folder: Folder = HERE
) -> None:
    """Make a logged list again, bit for bit.

    Exit code 1 if anything differs.
    """
    from zhiyin.workflows.replay import replay as again

    with opened(folder) as shop:
        found = again(shop, recommendation)
    say(found.differences or [f"the same, bit for bit: {len(found.logged.items)} places"])
    raise typer.Exit(0 if found.same else 1)
