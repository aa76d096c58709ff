"""An index of the few events with a text: what people wrote is read for every list where a click model is
served."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index(
        "events_written", "events", ["user_id", "seq"], sqlite_where=sa.text("text IS NOT NULL AND type <> 'edit'")
    )
