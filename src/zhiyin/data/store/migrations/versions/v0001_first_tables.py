"""The first tables.

Written out, not read from schema.py: a step says what the schema was then, whatever it is now.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_Big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _catalogue()
    _people()
    _logs()


def _catalogue() -> None:
    op.create_table(
        "items",
        sa.Column("item_id", sa.Text, primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "item_log",
        sa.Column("seq", _Big, primary_key=True),
        sa.Column("item_id", sa.Text, nullable=False),
        sa.Column("body", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "relations",
        sa.Column("head", sa.Text, primary_key=True),
        sa.Column("relation", sa.Text, primary_key=True),
        sa.Column("tail", sa.Text, primary_key=True),
        sqlite_with_rowid=False,
    )


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("attributes", sa.Text, nullable=False),
    )
    op.create_table(
        "aliases",
        sa.Column("alias", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("aliases_by_user", "aliases", ["user_id"])


def _logs() -> None:
    op.create_table(
        "events",
        sa.Column("seq", _Big, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("item_id", sa.Text),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger),
        sa.Column("ord", sa.BigInteger),
        sa.Column("value", sa.Double),
        sa.Column("text", sa.Text),
        sa.Column("event_id", sa.Text),
        sa.Column("session_id", sa.Text),
        sa.Column("recommendation_id", sa.Text),
        sa.Column("position", sa.BigInteger),
        sa.Column("context", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("events_by_user", "events", ["user_id", "at", "ord", "seq"])
    op.create_table(
        "recommendations",
        sa.Column("seq", _Big, primary_key=True),
        sa.Column("recommendation_id", sa.Text, nullable=False, unique=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.Text),
        sa.Column("bundle", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("recommendations_by_user", "recommendations", ["user_id", "seq"])
    op.create_table(
        "publications",
        sa.Column("seq", _Big, primary_key=True),
        sa.Column("bundle", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
