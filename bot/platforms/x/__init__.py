"""X (formerly Twitter), through tweepy and the API v2."""
