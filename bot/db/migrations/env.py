"""Runs migrations on a connection that `bot.db.migrate` hands over."""

from alembic import context

from bot.db.columns import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter a table; batch mode builds a new one and copies.
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
