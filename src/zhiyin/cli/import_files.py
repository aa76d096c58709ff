from __future__ import annotations

from zhiyin.cli.options import HERE, Folder, opened
from zhiyin.cli.show import say


def import_files(*, folder: Folder = HERE) -> None:
    """Read the files that zhiyin.toml names into the store. Again changes nothing."""
    from zhiyin.workflows.ingest import ingest

    with opened(folder) as shop:
        report = ingest(shop.settings, shop.store, progress=shop.progress)
    say(report.sentences())
    say(["Next: zhiyin doctor, zhiyin up"])
