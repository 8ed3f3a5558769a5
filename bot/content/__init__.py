"""The campaign's files, read strictly into typed values or a list of problems."""
