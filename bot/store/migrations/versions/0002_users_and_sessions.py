"""Who may use the dashboard, and who is signed in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

#: UTC microseconds since 1970.
INSTANT = sa.BigInteger()


def upgrade() -> None:
    """Create the tables, users before their sessions."""
    op.create_table(
        "user",
        sa.Column("name", sa.Text(), nullable=False, comment="small letters, digits, . _ -"),
        sa.Column("roles", sa.Text(), nullable=False, comment="names, with a space between"),
        sa.Column(
            "password_hash", sa.Text(), nullable=False, comment="argon2id, with its parameters"
        ),
        sa.Column(
            "feed_sha256",
            sa.String(length=64),
            nullable=True,
            comment="of the key in the calendar's address",
        ),
        sa.Column("created_at", INSTANT, nullable=False, comment="when"),
        sa.PrimaryKeyConstraint("name", name="pk_user"),
    )
    op.create_table(
        "session",
        sa.Column(
            "id_sha256", sa.String(length=64), nullable=False, comment="of the id in the cookie"
        ),
        sa.Column("user", sa.Text(), nullable=False, comment="whose"),
        sa.Column("started_at", INSTANT, nullable=False, comment="signed in"),
        sa.Column("seen_at", INSTANT, nullable=False, comment="last used, to the minute"),
        sa.ForeignKeyConstraint(["user"], ["user.name"], name="fk_session_user"),
        sa.PrimaryKeyConstraint("id_sha256", name="pk_session"),
    )
    op.create_index("ix_session_user", "session", ["user"], unique=False)
    op.create_table(
        "login_failure",
        sa.Column(
            "name_sha256",
            sa.String(length=64),
            nullable=False,
            comment="of the name that was typed",
        ),
        sa.Column("count", sa.Integer(), nullable=False, comment="failures in a row"),
        sa.Column("last_at", INSTANT, nullable=False, comment="the last of them"),
        sa.PrimaryKeyConstraint("name_sha256", name="pk_login_failure"),
    )
