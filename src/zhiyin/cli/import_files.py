from __future__ import annotations

from zhiyin.cli.options import HERE, Folder, opened
from zhiyin.cli.show import say


def import_files(*, folder: Folder = HERE) -> None:
    """Read the files of zhiyin.toml into the store.

    A second import changes nothing; rows that cannot be used go to quarantine.
    """
    from zhiyin.workflows.ingest import ingest

    with opened(folder) as shop:
        report = ingest(shop.settings, shop.store, progress=shop.progress)
    say(report.sentences())
    say(["Next: zhiyin doctor, zhiyin up"])
