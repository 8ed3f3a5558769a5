"""The pages of the desk: each a module with its template beside it."""
