"""Numbers of what went out: collected, judged, presented, exported; their tables."""
