from __future__ import annotations

from typing import Annotated

import typer

from zhiyin.cli.options import HERE, Folder, opened


def up(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on; service.host if not given.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; service.port if not given, 0 takes a free one.")] = None,
    folder: Folder = HERE,
) -> None:
    """Serve API, storefront and console.

    It answers before any training, from the texts of the catalogue.
    """
    from zhiyin.service.run import serve

    with opened(folder) as shop:
        serve(shop, host, port)
