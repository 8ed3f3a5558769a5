"""Which weeks' digests were sent, so that two workers do not both send one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

#: UTC microseconds since 1970.
INSTANT = sa.BigInteger()


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "digest",
        sa.Column("week", sa.String(length=8), nullable=False, comment="ISO week, 2026-W50"),
        sa.Column("claimed_at", INSTANT, nullable=False, comment="a worker began to send it"),
        sa.Column("sent_at", INSTANT, nullable=True, comment="people have it"),
        sa.PrimaryKeyConstraint("week", name="pk_digest"),
    )
