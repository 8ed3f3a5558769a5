"""An approval binds all that is said, to whom, by whom, and a fixed time; nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.platforms.status import Facet, FacetKind, LinkCard, Picture, Span, Status
from bot.rendering.rendered import fingerprint
from tests.fakes.written import post

AT = datetime(2026, 12, 9, 14, 0, tzinfo=UTC)
PICTURE = Picture("a" * 64, "image/png", "A wall", 40, 30, 100)
STATUS = Status("They are our friends.", pictures=(PICTURE,), card=LinkCard("https://a.org", "A"))
POST = post("The people we speak of are our neighbors")
SAID: Mapping[str, Sequence[Status]] = {"m": (STATUS,), "b": (STATUS,)}
KNOWN = fingerprint(POST, SAID, fixed_at=None)


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
    said = {**SAID, "m": (replace(STATUS, **changes),)}

    assert fingerprint(POST, said, fixed_at=None) != KNOWN


@pytest.mark.parametrize(
    "said",
    [
        {"m": (STATUS,)},
        {**SAID, "x": (STATUS,)},
        {**SAID, "m": (STATUS, STATUS)},
        {**SAID, "b": ()},
    ],
    ids=["an account less", "an account more", "a part more", "nothing"],
)
def test_accounts_and_parts_are_bound(said: Mapping[str, Sequence[Status]]) -> None:
    assert fingerprint(POST, said, fixed_at=None) != KNOWN


def test_the_author_the_post_and_the_source_are_bound() -> None:
    assert POST.quote is not None
    changed = [
        replace(POST, author="Ann"),
        replace(POST, id="other"),
        replace(POST, quote=replace(POST.quote, source_sha256="1" * 64)),
        replace(POST, quote=None),
    ]

    assert len({fingerprint(one, SAID, fixed_at=None) for one in changed} | {KNOWN}) == 5


def test_a_fixed_time_is_bound() -> None:
    times = [None, AT, AT + timedelta(seconds=1)]

    assert len({fingerprint(POST, SAID, fixed_at=at) for at in times}) == 3


def test_the_order_of_accounts_and_what_is_never_said_are_not_bound() -> None:
    noted = replace(POST, note="for the desk", theme="other", queue="other")
    turned = dict(reversed(list(SAID.items())))

    assert fingerprint(noted, turned, fixed_at=None) == KNOWN
