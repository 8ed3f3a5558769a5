"""The database: outbox, approvals, audit, ledger; the only place that imports SQLAlchemy."""
