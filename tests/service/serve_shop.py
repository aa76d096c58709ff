"""A process of its own: serves the shop in a folder on a free port and prints its address."""

import sys
from pathlib import Path

from zhiyin.data.store.sqlite import SqliteStore
from zhiyin.service.run import serve
from zhiyin.settings import Settings
from zhiyin.shop import Zhiyin
from zhiyin.testing.encoders import HashEncoder


def main(folder: Path) -> None:
    with Zhiyin(Settings(folder=folder), SqliteStore(folder / "zhiyin.db"), HashEncoder()) as shop:
        serve(shop, "127.0.0.1", 0, say=lambda address: print(address, flush=True))  # noqa: T201
    print("closed", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
