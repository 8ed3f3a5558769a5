"""An approval binds all that is said, to whom, by whom, and a fixed time; nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.content.model import Post
from bot.platforms.status import Facet, FacetKind, LinkCard, Picture, Span, Status
from bot.rendering.rendered import fingerprint
from tests.fakes.written import post

AT = datetime(2026, 12, 9, 14, 0, tzinfo=UTC)
PICTURE = Picture("a" * 64, "image/png", "A wall", 40, 30, 100)
STATUS = Status("They are our friends.", pictures=(PICTURE,), card=LinkCard("https://a.org", "A"))
POST = post("The people we speak of are our neighbors")
SHOWN = {"visibility": "public"}


def mark(
    post: Post = POST,
    statuses: Sequence[Status] = (STATUS,),
    account: str = "m",
    shown: Mapping[str, object] = SHOWN,
    fixed_at: datetime | None = None,
) -> str:
    return fingerprint(post, statuses, account=account, shown=shown, fixed_at=fixed_at)


KNOWN = mark()


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "They are our foes."},
        {"lang": "fr"},
        {"warning": "CW"},
        {"sensitive": True},
        {"facets": (Facet(FacetKind.LINK, 0, 4, "https://b.org"),)},
        {"pictures": (replace(PICTURE, sha256="b" * 64),)},
        {"pictures": (replace(PICTURE, alt="Another wall"),)},
        {"pictures": ()},
        {"card": LinkCard("https://b.org", "A")},
        {"card": None},
        {"spans": (Span("letter", "0" * 64, 1, 2),)},
    ],
)
def test_whatever_is_said_is_bound(changes: dict[str, Any]) -> None:
    assert mark(statuses=[replace(STATUS, **changes)]) != KNOWN


def test_the_parts_the_account_and_what_its_keys_show_are_bound() -> None:
    changed = [
        mark(statuses=[STATUS, STATUS]),
        mark(statuses=[]),
        mark(account="b"),
        mark(shown={"visibility": "private"}),
        mark(shown={}),
    ]

    assert len({*changed, KNOWN}) == 6


def test_the_author_the_post_and_the_source_are_bound() -> None:
    assert POST.quote is not None
    changed = [
        replace(POST, author="Ann"),
        replace(POST, id="other"),
        replace(POST, quote=replace(POST.quote, source_sha256="1" * 64)),
        replace(POST, quote=None),
    ]

    assert len({mark(one) for one in changed} | {KNOWN}) == 5


def test_a_fixed_time_is_bound() -> None:
    times = [None, AT, AT + timedelta(seconds=1)]

    assert len({mark(fixed_at=at) for at in times}) == 3


def test_what_is_never_said_is_not_bound() -> None:
    assert mark(replace(POST, note="for the desk", theme="other", queue="other")) == KNOWN
