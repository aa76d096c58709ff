"""Much read at once, without Python looking for cycles in it meanwhile.

The collector looks through all live objects again and again while their number grows. Events and items make no
cycles, and where a hundred thousand of them come in one go, that search was a third of the time of an import and
of a cold start.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """No search for cycles in the whole process meanwhile; memory without cycles is freed as always."""
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.enable()
