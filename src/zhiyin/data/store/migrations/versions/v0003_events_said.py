"""An index of the few events without an item: what a person says of their profile is read for every list."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_index("events_said", "events", ["user_id", "type", "seq"], sqlite_where=sa.text("item_id IS NULL"))
