"""Whose word counts: users, approvals, pauses, confirmed configuration, audit; their tables."""
