"""Quote cards drawn with Pillow; the only place that imports PIL."""
