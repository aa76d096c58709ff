from __future__ import annotations

from zhiyin.cli.label.options import Name
from zhiyin.cli.options import HERE, Folder, Many, opened
from zhiyin.cli.show import say, table


def review(name: Name, *, n: Many = 20, folder: Folder = HERE) -> None:
    """Items that a person should look at.

    The most doubtful first: where harm is uncertain, or nothing is.
    """
    from zhiyin.workflows.labels.reviewing import review_queue

    with opened(folder) as shop:
        found = review_queue(shop, name, n)
    rows = [(one.item_id, one.text[:100], f"{one.harm:.2f}", ", ".join(one.labels)) for one in found]
    table(("item", "text", "harm or doubt", "labels"), rows)
    say([f"Next: zhiyin label add {name} ITEM LABEL --item"] if found else ["nothing is in doubt"])
