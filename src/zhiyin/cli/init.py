from __future__ import annotations

from dataclasses import astuple
from typing import Annotated

import typer

from zhiyin.cli.groups import Yours
from zhiyin.cli.options import HERE, Folder
from zhiyin.cli.show import say


def init(
    *,
    yours: Yours,
    name: Annotated[str, typer.Option(help="Name of the shop; the folder's name if not given.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Write over a zhiyin.toml that is there.")] = False,
    folder: Folder = HERE,
) -> None:
    """Look at your files and write zhiyin.toml.

    Every assumption about them is said, and stands in the file as a comment.
    """
    from zhiyin.workflows.init import Files, init_project

    assumed = init_project(folder, Files(*astuple(yours)), name=name, force=force)
    say([*assumed.sentences(), f"Wrote {assumed.path}: correct it if something is wrong. Next: zhiyin import"])
