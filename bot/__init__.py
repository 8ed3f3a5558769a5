"""Verbatim: a campaign bot that quotes exactly and posts exactly once."""
