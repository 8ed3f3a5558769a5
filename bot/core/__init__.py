"""Rules without I/O, clock or randomness: everything here is a pure function or a value."""
