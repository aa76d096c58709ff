"""Bring a database to the schema of this code, or refuse it.

Alembic is imported only when there is something to do: opening an up-to-date database stays fast.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from zhiyin.data.store import schema
from zhiyin.data.store.database import Database
from zhiyin.errors import BrokenStore

_FOLDER = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """All steps in one transaction; others who open the same file wait for it.

    Raises BrokenStore if the file belongs to a newer version or to another programme.
    """
    with database.read() as connection:
        current = _version(connection, database.path)
    if current == schema.REVISION:
        return
    refuse_unknown(current, database.path)
    with database.write() as connection:
        _upgrade(connection)


def refuse_unknown(version: str | None, path: Path) -> None:
    """Raises BrokenStore if this code does not know the version; None is a new database."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # slow to import, seldom needed

    known = {script.revision for script in ScriptDirectory(str(_FOLDER)).walk_revisions()}
    if version is not None and version not in known:
        raise BrokenStore(
            f"{path} has schema {version}, this zhiyin knows up to {schema.REVISION}: install a newer one"
        )


def _version(connection: Connection, path: Path) -> str | None:
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables:
        version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return version
    if tables:
        raise BrokenStore(
            f"{path} is a database of another programme (tables {', '.join(tables[:5])}): choose another"
        )
    return None


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
