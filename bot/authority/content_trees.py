"""The last good content tree, and what the operator trusts of it."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, select

from bot.authority.tables import content_tree, trust
from bot.canonical import JsonObject
from bot.db.database import Repository

#: Trees that are kept, the one in force included.
_KEPT = 20


class ContentTrees(Repository):
    """Content is applied as a whole tree or not at all."""

    def apply(
        self, tree_sha256: str, files: Mapping[str, str], now: datetime, commit: str = ""
    ) -> bool:
        """Put a tree into force; False where it is in force already."""
        latest = select(content_tree.c.id).order_by(content_tree.c.id.desc())
        with self._db.write() as connection:
            newest = latest.limit(1).with_only_columns(content_tree.c.tree_sha256)
            if connection.execute(newest).scalar_one_or_none() == tree_sha256:
                return False
            values = {"tree_sha256": tree_sha256, "files": dict(files), "applied_at": now}
            values["commit"] = commit
            connection.execute(content_tree.insert().values(values))
            kept = list(connection.execute(latest.limit(_KEPT)).scalars())
            connection.execute(delete(content_tree).where(content_tree.c.id < kept[-1]))
            return True

    def last(self) -> tuple[str, Mapping[str, str]] | None:
        """Read the tree in force: its hash, and its files' texts by path."""
        row = self._row(select(content_tree).order_by(content_tree.c.id.desc()).limit(1))
        return None if row is None else (row.tree_sha256, row.files)

    def last_commit(self) -> str:
        """Return the newest signed commit that was in force; empty before there is one."""
        has_commit = select(content_tree.c.commit).where(content_tree.c.commit != "")
        row = self._row(has_commit.order_by(content_tree.c.id.desc()).limit(1))
        return row.commit if row else ""


class Trust(Repository):
    """What was recorded of the configuration, and by whom; a change needs the operator."""

    def recorded(self) -> JsonObject | None:
        """Read what is trusted; None before the first start."""
        row = self._row(select(trust.c.recorded).order_by(trust.c.id.desc()).limit(1))
        return None if row is None else row.recorded

    def record(self, recorded: JsonObject, by: str, now: datetime) -> None:
        """Trust this from now on; what was trusted before is kept."""
        self._change(trust.insert().values(recorded=recorded, by=by, at=now))
