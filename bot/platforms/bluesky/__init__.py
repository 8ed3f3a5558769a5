"""Bluesky, and any other server of the AT protocol with its posts."""
