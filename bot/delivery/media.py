"""Pictures that posts use, by their hash."""

from __future__ import annotations

from sqlalchemy import select

from bot.canonical import sha256_hex
from bot.db.database import Repository
from bot.delivery.tables import medium
from bot.errors import StoreError


class Media(Repository):
    """Pictures by the hash of their bytes, so that what was approved is what is sent."""

    def put(self, content: bytes) -> str:
        """Keep a picture; its SHA-256 is its name."""
        sha256 = sha256_hex(content)
        row = self._db.insert(medium).values(sha256=sha256, content=content)
        with self._db.write() as connection:
            connection.execute(row.on_conflict_do_nothing())
        return sha256

    def get(self, sha256: str) -> bytes:
        """Read a picture.

        Raises:
            StoreError: it is not there, or no longer what it was.
        """
        query = select(medium.c.content).where(medium.c.sha256 == sha256)
        with self._db.read() as connection:
            found = connection.execute(query).scalar_one_or_none()
        if found is None:
            raise StoreError(f"no picture has the hash {sha256}")
        # SQLite keeps whatever type somebody put there.
        if not isinstance(found, bytes) or sha256_hex(found) != sha256:
            raise StoreError(f"the picture {sha256} is no longer what it was")
        return found
