"""`zhiyin export`: everything in plain files that a stranger can read, and import again.

One file a noun, JSON Lines or Parquet, with flat columns; beside them a zhiyin.toml that maps them, so that
`zhiyin import` in that folder gives the same shop. Attributes are columns of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import batched if False else islice
