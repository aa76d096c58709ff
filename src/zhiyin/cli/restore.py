from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli.options import HERE, Folder
from zhiyin.cli.show import say


def restore(
    backup: Annotated[Path, typer.Argument(help="What `zhiyin backup` wrote.")], *, folder: Folder = HERE
) -> None:
    """Bring a backup back into a new folder.

    Every byte is checked first, and nothing is overwritten. What was interrupted is finished by the same command.
    """
    from zhiyin.workflows.backup import restore as bring_back

    done = bring_back(backup, folder)
    say([f"{folder}: {done.files:,} files, {len(done.bundles)} bundles, all checked. Next: zhiyin doctor"])
