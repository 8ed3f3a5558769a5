"""The database: SQLite or PostgreSQL, its connections, locks, files and migrations."""
