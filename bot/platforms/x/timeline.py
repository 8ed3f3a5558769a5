"""Reads the account's own timeline: the newest status, and all since a known one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import UnavailableError
from bot.platforms.spec import Charge
from bot.platforms.x.client import Call, Client
from bot.platforms.x.outcomes import Task
from bot.platforms.x.reading import IncompleteError, Shown, read
from bot.platforms.x.spec import NAME

#: What is asked of each status; X's names since 2026 (``post.fields``), read in either dialect.
_FIELDS = "created_at,text,entities,attachments,note_post,conversation_id"
#: X gives 5 at least; a read is paid by the status.
_PAGE = 10
_SMALL_PAGE = 5
#: Between a lost answer and its read-back hardly anything else is posted.
_PAGES = 20


@dataclass(frozen=True, slots=True)
class XTimeline:
    """One account's statuses, newest first, as its timeline shows them by now."""

    client: Client
    user: Callable[[], str]
    #: ``owned_read`` where the account owns its app, else ``read``.
    action: str

    def newest(self) -> str | None:
        """Ask for the newest id; None where the account has posted nothing."""
        page, _ = self._page({}, _SMALL_PAGE)
        return page[0].id if page else None

    def since(self, newest: str | None) -> list[Shown]:
        """Read all statuses from a known one on; it is among them, if it is still live.

        Raises:
            UnavailableError: the answer is not complete, or there is too much of it.
        """
        bounds = {"since_id": str(int(newest) - 1)} if newest else {}
        found: dict[str, Shown] = {}
        for _ in range(_PAGES):
            page, token = self._page(bounds, _PAGE)
            fresh = [one for one in page if one.id not in found]
            found |= {one.id: one for one in fresh}
            if token is None:
                return list(found.values())
            if not fresh:
                break  # X has been seen to hand out tokens for ever
            bounds = {**bounds, "pagination_token": token}
        raise UnavailableError(NAME, f"the timeline does not end after {len(found)} statuses")

    def _page(self, bounds: Mapping[str, str], size: int) -> tuple[list[Shown], str | None]:
        answer = self.client.ask(
            Call(
                Task.READ,
                "GET",
                f"/2/users/{self.user()}/tweets",
                Charge(self.action, size),
                params={**bounds, "max_results": str(size), "post.fields": _FIELDS},
            )
        )
        try:
            return _statuses(answer), _token(answer)
        except IncompleteError as error:
            raise UnavailableError(NAME, f"the timeline is not complete: {error}") from error


def _statuses(answer: Mapping[str, Any]) -> list[Shown]:
    """Read a page.

    Raises:
        IncompleteError: not all of it is there.
    """
    data, meta = answer.get("data", []), answer.get("meta")
    if answer.get("errors"):
        raise IncompleteError("the answer has errors besides its statuses")
    if not isinstance(data, list) or not isinstance(meta, dict):
        raise IncompleteError("the answer is no page")
    if meta.get("result_count") != len(data):
        raise IncompleteError(f"{len(data)} of {meta.get('result_count')!r} statuses came")
    return [read(one) for one in data]


def _token(answer: Mapping[str, Any]) -> str | None:
    token = answer["meta"].get("next_token")
    if token is not None and not isinstance(token, str):
        raise IncompleteError("the next page has no readable name")
    return token
