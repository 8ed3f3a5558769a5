"""The verbs of the command line, loaded when called."""
