"""The schema in code, the schema that the migrations make, and what happens between versions."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from zhiyin.data.store import migrate, schema
from zhiyin.data.store.database import Database
from zhiyin.data.store.open import check_store, open_store
from zhiyin.errors import BrokenStore
from zhiyin.testing.event_log_contract import click
from zhiyin.testing.whole_contract import shown

NEXT = "9998"  # a version to come


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def test_the_migrations_make_the_schema_in_code(path: Path, tmp_path: Path) -> None:
    open_store(str(path)).close()
    direct = Database(tmp_path / "direct.db", timeout=1)
    with direct.write() as connection:
        schema.metadata.create_all(connection)
    migrated = Database(path, timeout=1)
    with migrated.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    assert _statements(path) - _statements(tmp_path / "direct.db") == {
        statement for statement in _statements(path) if "alembic_version" in statement
    }
    assert not _statements(tmp_path / "direct.db") - _statements(path)
    direct.close()
    migrated.close()


def test_the_code_knows_its_newest_revision() -> None:
    assert ScriptDirectory(str(migrate._FOLDER)).get_current_head() == schema.REVISION


def test_a_store_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    open_store(str(path)).close()
    _write(path, "UPDATE alembic_version SET version_num = '9999'")
    before = path.read_bytes()
    for act in (open_store, check_store):
        with pytest.raises(BrokenStore, match=r"9999.*newer"):
            act(str(path))
    assert path.read_bytes() == before


def test_an_older_store_is_migrated_at_open_with_its_rows(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_store(str(path))) as store:
        store.append([click("u", "a")])
    folder = _with_step(tmp_path, "    op.execute('ALTER TABLE publications ADD COLUMN note TEXT')\n")
    monkeypatch.setattr(migrate, "_FOLDER", folder)
    monkeypatch.setattr(schema, "REVISION", NEXT)
    with closing(open_store(str(path))) as store:
        assert store.counts()["events"] == 1
    assert _rows(path, "SELECT version_num FROM alembic_version") == [(NEXT,)]
    assert _rows(path, "SELECT note FROM publications") == []


def test_lists_logged_before_there_were_outlines_get_theirs(path: Path) -> None:
    with closing(open_store(str(path))) as store:
        store.log([shown(f"r{n}") for n in range(3)])
        before = store.answers.outlines(["r0", "r1", "r2"])
    for statement in (
        "DROP TABLE outlines",
        "DROP INDEX events_answers",
        "DROP INDEX events_answers_by_user",
        "UPDATE alembic_version SET version_num = '0004'",
    ):
        _write(path, statement)
    with closing(open_store(str(path))) as store:
        assert len(before) == 3
        assert store.answers.outlines(["r0", "r1", "r2"]) == before


def test_a_migration_that_fails_changes_nothing(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(str(path)).close()
    half = "    op.execute('DROP TABLE users')\n    raise ArithmeticError('half way')\n"
    folder = _with_step(tmp_path, half)
    before = _statements(path)
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "_FOLDER", folder)
        patch.setattr(schema, "REVISION", NEXT)
        with pytest.raises(ArithmeticError):
            open_store(str(path))
    assert _statements(path) == before
    open_store(str(path)).close()


@pytest.mark.slow
def test_opening_a_current_store_does_not_load_alembic(path: Path) -> None:
    open_store(str(path)).close()
    code = (
        "import sys; from zhiyin.data.store.open import open_store; open_store(sys.argv[1]).close(); "
        "sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 0


def _with_step(folder: Path, body: str) -> Path:
    """A copy of the migrations with one more step."""
    copy = folder / "migrations"
    (copy / "versions").mkdir(parents=True)
    (copy / "env.py").write_text((migrate._FOLDER / "env.py").read_text())
    for file in (migrate._FOLDER / "versions").glob("v*.py"):
        (copy / "versions" / file.name).write_text(file.read_text())
    step = (
        f"from alembic import op\nrevision, down_revision = '{NEXT}', '{schema.REVISION}'\ndef upgrade():\n{body}"
    )
    (copy / "versions" / "v_next.py").write_text(step)
    return copy


def _write(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)


def _rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def _statements(path: Path) -> set[str]:
    return {str(sql) for (sql,) in _rows(path, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
