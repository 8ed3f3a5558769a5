"""The server that most tests of Mastodon's adapter speak to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.mastodon_voice import VoiceServer


@pytest.fixture
def server() -> Iterator[VoiceServer]:
    with VoiceServer() as server:
        yield server
