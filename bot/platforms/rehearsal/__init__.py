"""A platform that reaches nobody: rehearsals publish into a file on this machine."""
