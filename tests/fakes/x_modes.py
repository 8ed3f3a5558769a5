"""Answers of the X stand-in, for the proxy before it."""

from __future__ import annotations

from tests.fakes.faultproxy import Answer
from tests.fakes.x_api import Reply

PUBLISH = r"^POST /2/tweets "


def as_answer(reply: Reply) -> Answer:
    return Answer(reply.status, reply.body(), {"Content-Type": reply.content_type})
