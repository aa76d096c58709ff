from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli.options import HERE, Folder, opened
from zhiyin.cli.show import say


def backup(to: Annotated[Path, typer.Argument(help="The .tar.gz to write.")], *, folder: Folder = HERE) -> None:
    """The whole shop in one file.

    Settings, store and bundles, also while it is being served.
    """
    from zhiyin.workflows.backup import backup as save

    with opened(folder) as shop:
        done = save(shop, to)
    say([f"{done.path}: {done.files:,} files, {len(done.bundles)} bundles, {done.size:,} bytes"])
    say(["It holds everything, keys in zhiyin.toml included: keep it where only you can read it."])
