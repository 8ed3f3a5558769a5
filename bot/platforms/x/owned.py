"""Numbers from the account's own timeline: a fifth of the price, where it owns its app."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.errors import UnavailableError
from bot.platforms.spec import Charge
from bot.platforms.status import Metrics, PostRef
from bot.platforms.x.client import Call, Client
from bot.platforms.x.lookup import ALL_NUMBERS, look_up, metrics_of
from bot.platforms.x.outcomes import Task
from bot.platforms.x.spec import NAME

#: Statuses this close are read in one page: the parts of a thread. Others would bring along what
#: lies between them, and each status of a page is paid for.
_TOGETHER_MS = 10 * 60 * 1000
_SMALLEST_PAGE, _LARGEST_PAGE = 5, 100


@dataclass(frozen=True, slots=True)
class OwnNumbers:
    """Reads stretches of the timeline, each bounded by the ids that are asked for."""

    client: Client
    user: Callable[[], str]

    def read(self, refs: Sequence[PostRef]) -> Mapping[PostRef, Metrics]:
        """Read current numbers; a deleted status is missing from the answer.

        What the timeline does not show is looked up by id: only that tells deletion from lag.
        """
        found: dict[str, Metrics] = {}
        for stretch in _stretches({ref.id for ref in refs}):
            found |= self._page(stretch)
        absent = [ref.id for ref in refs if ref.id not in found]
        told = look_up(self.client, absent) if absent else {}
        found |= {one: numbers for one, numbers in told.items() if numbers is not None}
        return {ref: found[ref.id] for ref in refs if ref.id in found}

    def _page(self, ids: Sequence[str]) -> Mapping[str, Metrics]:
        size = min(_LARGEST_PAGE, max(_SMALLEST_PAGE, len(ids)))
        answer = self.client.ask(
            Call(
                Task.READ,
                "GET",
                f"/2/users/{self.user()}/tweets",
                Charge("owned_read", size),
                params={
                    "since_id": str(int(ids[0]) - 1),
                    "until_id": str(int(ids[-1]) + 1),
                    "max_results": str(size),
                    "post.fields": ALL_NUMBERS,
                },
            )
        )
        shown = answer.get("data", [])
        if not isinstance(shown, list) or not all(isinstance(one, dict) for one in shown):
            raise UnavailableError(NAME, "the timeline is no list of statuses")
        return {str(one.get("id")): metrics_of(one) for one in shown if one.get("id") in ids}


def _stretches(ids: set[str]) -> Iterator[list[str]]:
    """Cut ids where time passed between them; an id holds its milliseconds from bit 22 on."""
    stretch: list[str] = []
    for one in sorted(ids, key=int):
        if stretch and (int(one) >> 22) - (int(stretch[-1]) >> 22) > _TOGETHER_MS:
            yield stretch
            stretch = []
        stretch.append(one)
    if stretch:
        yield stretch
