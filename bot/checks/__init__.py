"""What must hold of all content before any of it comes into force."""
