"""The running service: loop, content in force, clock trust, rehearsal."""
