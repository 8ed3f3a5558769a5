"""What the environment says: its settings and secrets, and where private files lie."""
