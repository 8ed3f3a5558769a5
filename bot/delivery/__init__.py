"""Publications and their parts, from planned to sent or held; their tables and the sent log."""
