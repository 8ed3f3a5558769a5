"""One bounded way over HTTP: the time and size of a call, where a secret may go, what it proves."""
