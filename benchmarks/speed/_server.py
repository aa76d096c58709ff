"""A process of its own: serves a made shop on a free port and prints its address."""

from __future__ import annotations

import sys
from pathlib import Path

from _shop import open_shop

from zhiyin.service.run import serve

if __name__ == "__main__":
    with open_shop(Path(sys.argv[1])) as shop:
        serve(shop, "127.0.0.1", 0, say=lambda address: print(address, flush=True))
