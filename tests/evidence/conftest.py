"""Pages and an archive over a real store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.clock import FastClock
from bot.evidence.archive import Archive
from bot.operations.opening import open_store
from bot.planning.store import Store
from tests.evidence.pages import Pages, serving_pages
from tests.fakes.campaign_tree import NOW
from tests.integration.store_rows import NO_ROOM


@pytest.fixture
def pages() -> Iterator[Pages]:
    with serving_pages() as pages:
        yield pages


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{tmp_path / 'live.db'}", create=True, room=NO_ROOM)
    yield store
    store.close()


@pytest.fixture
def archive(store: Store, pages: Pages) -> Archive:
    return Archive(store, FastClock(NOW), pages.fetcher())
