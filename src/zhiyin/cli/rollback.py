from __future__ import annotations

from zhiyin.cli.options import HERE, Folder, opened
from zhiyin.cli.show import say


def rollback(*, folder: Folder = HERE) -> None:
    """Make live again what was live before."""
    from zhiyin.workflows.publish import rollback as go_back

    with opened(folder) as shop:
        say(go_back(shop).said)
