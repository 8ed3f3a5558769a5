"""Settings into objects: the only place that names concrete classes."""
