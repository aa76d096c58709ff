"""What is learned from of lists, beside them, and an index of the events that answer them. Outlines of lists that
are there already are made of these."""

import sqlalchemy as sa
from alembic import op

from zhiyin.data.store.answer_log import outline_row
from zhiyin.data.store.codec import recommendation_of

revision = "0005"
down_revision = "0004"

PAGE = 500


def upgrade() -> None:
    outlines = op.create_table(
        "outlines",
        sa.Column("recommendation_id", sa.Text, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    answers = "recommendation_id IS NOT NULL"
    op.create_index("events_answers", "events", ["seq"], sqlite_where=sa.text(answers))
    op.create_index("events_answers_by_user", "events", ["user_id", "seq"], sqlite_where=sa.text(answers))
    connection, last = op.get_bind(), 0
    page = sa.text("SELECT seq, body FROM recommendations WHERE seq > :last ORDER BY seq LIMIT :page")
    while rows := connection.execute(page, {"last": last, "page": PAGE}).all():
        made = (outline_row(recommendation_of(body)) for _, body in rows)
        op.bulk_insert(outlines, [{"recommendation_id": id_, "body": body} for id_, body in made])
        last = rows[-1][0]
