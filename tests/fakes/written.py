"""Sources, posts and campaigns as editors might write them; small, for tests of the core."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from bot.content.model import (
    Account,
    Campaign,
    Investigation,
    LinkPreview,
    MediaFile,
    Place,
    Post,
    Schedule,
    Source,
)
from bot.content.quoting import prove
from bot.platforms import bluesky, mastodon, x
from bot.platforms.spec import Limits

LETTER_TEXT = """\
May 4, 2020

Dear makers of cameras,

We ask that you stop. Your cameras see “everything” that people do; we cannot look away.

The people we speak of are our neighbors – our friends. They don’t sleep, they don’t rest: The \
years-long watch has no end. Some were ‘taught’ by force and never came home. We wait…

Without your help, nobody could have watched so many; the importance of your work is known.

Four Houses
"""
ATTRIBUTION = "— Open letter of the Four Houses, May 4, 2020"
ADDRESS = "https://houses.org/letter/"
CREATED = date(2020, 5, 4)


def source(text: str = LETTER_TEXT, **changes: Any) -> Source:
    """Return a source; by default a letter with a date, a salutation and a signature."""
    made = Source(
        id="letter",
        file="letter.txt",
        text=text,
        sha256="0" * 64,
        title="Open letter",
        attribution=ATTRIBUTION,
        date=CREATED,
        signatories=("Four Houses",),
        address=ADDRESS,
        lang="en",
        card=LinkPreview("The letter", "To the makers of cameras"),
        never_spans=_never(text) if text == LETTER_TEXT else (),
        place=Place("posts/sources/letter.yaml", 1, 1),
    )
    return replace(made, **changes)


def _never(text: str) -> tuple[tuple[int, int], ...]:
    metadata = ("May 4, 2020", "Dear makers of cameras,", "Four Houses")
    return tuple((text.index(one), text.index(one) + len(one)) for one in metadata)


def stretch(text: str, part: str) -> tuple[int, int]:
    """Return where a part stands in a text."""
    return text.index(part), text.index(part) + len(part)


INVESTIGATION = Investigation(
    id="camera-report",
    outlet="The Paper",
    title="Inside the ‘camera’ rooms",
    author="A. Writer",
    date="2021-02-03",
    address="https://paper.org/rooms",
    about="How the rooms work",
    caution="",
)

X = replace(x.SPEC, limits=Limits(280))
MASTODON = replace(mastodon.SPEC, limits=Limits(500))
BLUESKY = replace(bluesky.SPEC, limits=Limits(300, 3000))
SPECS = {one.name: one for one in (X, MASTODON, BLUESKY)}

ACCOUNTS = tuple(Account(f"on-{name}", name, place=Place("schedule.yaml", 9, 3)) for name in SPECS)
PICTURE = MediaFile("media/a.png", "Two cameras on a wall", "a" * 64, "image/png", 10, 10, 100)


def post(quoted: str = "", *, of: Source | None = None, **changes: Any) -> Post:
    """Return a queued post; ``quoted`` is proved against ``of``, or else the letter."""
    quote = prove(quoted, of or source()).quote if quoted else None
    assert quote is not None or not quoted, f"not in the source: {quoted}"
    made = Post(
        id="a-post",
        quote=quote,
        theme="watching",
        queue="excerpts",
        lang="en",
        author="editor",
        place=Place("posts/a.yaml", 2, 5),
        places={"text": Place("posts/a.yaml", 3, 11), "quote.text": Place("posts/a.yaml", 4, 31)},
    )
    return replace(made, **changes)


def campaign(
    *posts: Post,
    sources: Iterable[Source] = (),
    accounts: Iterable[Account] = ACCOUNTS,
    investigations: Iterable[Investigation] = (INVESTIGATION,),
    **schedule: Any,
) -> Campaign:
    """Return a rehearsed campaign of these posts, with the letter unless it has other sources."""
    made = Schedule(
        campaign="cameras",
        timezone="UTC",
        approvals_required=0,
        coalition=("houses.example",),
        hashtags=("Cameras",),
        accounts={account.name: account for account in accounts},
    )
    return Campaign(
        schedule=replace(made, **schedule),
        posts=posts,
        sources={one.id: one for one in (tuple(sources) or (source(),))},
        investigations={investigation.id: investigation for investigation in investigations},
        tree_sha256="",
    )
