from __future__ import annotations

from zhiyin.cli.label.options import Name
from zhiyin.cli.options import HERE, Folder, opened
from zhiyin.cli.show import say


def apply(name: Name, *, folder: Folder = HERE) -> None:
    """Label all items of the catalogue.

    What the owner gave and what a person decided stays.
    """
    from datetime import UTC, datetime

    from zhiyin.workflows.labels.applying import apply_labels

    with opened(folder) as shop:
        found = apply_labels(shop, name, datetime.now(UTC))
    say(found.sentences())
