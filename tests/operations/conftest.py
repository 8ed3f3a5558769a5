"""Fixtures of the tests of operations."""

from collections.abc import Iterator

import pytest

from tests.fakes.loopback import Inbox


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with Inbox() as inbox:
        yield inbox
