"""Every step from the first tables to today's."""
