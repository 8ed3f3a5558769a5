"""The first tables; a new database gets today's at once, see `bot.db.migrate.upgrade`.

The databases that start from here are kept in ``tests/fixtures/db``.
"""

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing: whatever is at this revision has its tables."""
