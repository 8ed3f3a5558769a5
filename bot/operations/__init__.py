"""Keeping the service healthy: opening, notices, alerts, digest."""
