from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli.options import HERE, Folder, opened
from zhiyin.cli.show import say


def publish(
    bundle: Annotated[str | None, typer.Argument(help="Its name or how it begins; the newest by default.")] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Also if the gate says no; the log keeps why.")] = False,
    folder: Folder = HERE,
) -> None:
    """Make a bundle live, if it is good enough.

    It must have been measured, and be no worse than the baselines and what is live.
    """
    from zhiyin.bundle import newest_in
    from zhiyin.workflows.publish import publish as put_live

    with opened(folder) as shop:
        done = put_live(shop, bundle or newest_in(shop.bundles).name, force=force)
        say([*done.said, f"bundle {done.publication.bundle[:12]} is live"])
