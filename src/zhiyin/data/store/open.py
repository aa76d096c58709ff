"""From an address to a store, and whether a file is a sound one."""

from __future__ import annotations

from pathlib import Path

from zhiyin.data.store.database import looking_at
from zhiyin.data.store.memory import MemoryStore
from zhiyin.data.store.migrate import refuse_unknown
from zhiyin.data.store.protocols import Store
from zhiyin.data.store.sqlite import SqliteStore
from zhiyin.errors import BrokenStore, InvalidSettings

_SQLITE = "sqlite:///"


def open_store(url: str) -> Store:
    """`memory:`, `sqlite:///path`, or a plain path; a fourth slash makes the path absolute."""
    if url == "memory:":
        return MemoryStore()
    path = url.removeprefix(_SQLITE)
    if not path.strip() or "://" in path:
        raise InvalidSettings(f"a store is memory:, {_SQLITE}PATH or a path, got {url!r}")
    return SqliteStore(Path(path))


def check_store(path: str) -> None:
    """Read a whole SQLite store and say what is wrong with it. An older version is sound: opening mends it.

    Raises NotFound without a file, BrokenStore if it is damaged, foreign, or of a newer version.
    """
    file = Path(path)
    with looking_at(file) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "alembic_version" not in tables:
            raise BrokenStore(f"{file} is not a store of zhiyin: its tables are {sorted(tables)}; choose another")
        (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        refuse_unknown(version, file)
        complaints = [complaint for (complaint,) in connection.execute("PRAGMA integrity_check(5)")]
    if complaints != ["ok"]:
        raise BrokenStore(f"{file} is damaged ({'; '.join(complaints)}): restore a backup")
