"""A process of its own: appends batches of numbered events, prints how far each acknowledged one got."""

import sys
from contextlib import closing

from zhiyin.data.store.open import open_store
from zhiyin.types import Event


def main(path: str, first: int, batch: int, batches: int) -> None:
    with closing(open_store(path)) as store:
        for start in range(first, first + batch * batches, batch):
            store.append(
                [Event("u", str(number), "click", order=number) for number in range(start, start + batch)]
            )
            print(start + batch, flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
