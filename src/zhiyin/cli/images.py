from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli.options import HERE, Folder, opened
from zhiyin.cli.show import say


def images(
    *,
    pictures: Annotated[
        Path | None, typer.Option("--dir", help="Folder of the pictures; the shop's if not given.")
    ] = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="Also ask for pictures on the web.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also what was looked at before, or came with a vector.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Write all that was found as JSON.")] = None,
    folder: Folder = HERE,
) -> None:
    """Make vectors of the items' pictures.

    Needs zhiyin[images]. Only what is new or changed is looked at.
    """
    from zhiyin.encoders.images import Lite0
    from zhiyin.workflows.images import Wanted, encode_images

    with opened(folder) as shop:
        encoder = Lite0(shop.settings.path("cache"))
        found = encode_images(shop, encoder, Wanted(pictures, fetch=fetch, again=again))
    say(found.sentences())
    if out is not None:
        out.write_bytes(found.to_json())
    if found.given:
        say(["Next: zhiyin train"])
