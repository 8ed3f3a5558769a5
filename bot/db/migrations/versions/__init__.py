"""One file a step; none is changed once released."""
