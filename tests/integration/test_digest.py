"""The week's digest, as people get it: text, the page attached, once a week."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.clock import FastClock
from bot.delivery.model import FixedTime, Queued
from bot.engagement.presenter import Presented
from bot.engagement.report import Reporter
from bot.errors import Severity
from bot.operations.channels import channels_of
from bot.operations.digest import Digest
from bot.operations.model import Matter
from bot.planning.outlook import Outlook, PlannedEntry
from bot.planning.plan import EmptySlot
from bot.planning.store import Store
from bot.platforms.registry import PLATFORMS
from tests.fakes.engaged import Engaged, engaged_campaign, troubled
from tests.fakes.loopback import Inbox

# apprise, not we, still imports it on Python 3.11 and 3.12.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

#: A Monday, 08:00 in New York, after the last posts of `Engaged`.
MONDAY = datetime(2027, 1, 25, 13, 0, tzinfo=UTC)


def digest_of(store: Store, clock: FastClock, *addresses: str) -> Digest:
    spec = {name: kind.spec for name, kind in PLATFORMS.items()}
    reporter = Reporter(store, clock, engaged_campaign(), spec)
    return Digest(
        store,
        clock,
        lambda: reporter,
        lambda: outlook(clock.now()),
        channels_of(addresses),
        list,
    )


def outlook(now: datetime) -> Outlook:
    due = now + timedelta(days=2)
    entries = tuple(
        PlannedEntry(
            due, account, "next-post", FixedTime("next-post"), "Words", 0.0, "unapproved: 1 of 2"
        )
        for account in ("coalition-bluesky", "coalition-x")
    )
    hole = EmptySlot(
        "coalition-x",
        Queued("evening", due.replace(tzinfo=None)),
        due,
        "nothing is left in its queue",
    )
    return Outlook("campaign", "America/New_York", now, 7, entries, (hole,), {})


def test_the_digest_tells_the_five_things(store: Store) -> None:
    Engaged(store).fill()
    held = Matter("held", Severity.WARNING, "HELD: post-12 for coalition-x: late")

    digest = replace(digest_of(store, FastClock(MONDAY)), matters=lambda: [held])
    message = digest.message()

    chapters = [line for line in message.text.splitlines() if line.isupper()]
    assert chapters == [
        "WHAT WENT OUT", "WHAT WORKED", "WHAT NEEDS A PERSON", "WHAT IT COST",
        "WHAT COMES NEXT WEEK",
    ]  # fmt: skip
    assert message.title == "decouple-from-dahua: 18 Jan to 24 Jan 2027"
    assert "- coalition-bluesky: 4 posts" in message.text
    assert "HELD: post-12 for coalition-x: late" in message.text
    assert "of a budget of $5.00" in message.text
    assert "next-post (coalition-bluesky, coalition-x) [unapproved: 1 of 2]" in message.text
    assert "1 slot(s) stay empty" in message.text
    week = Presented(digest.reporter().report(since=MONDAY - timedelta(days=7, hours=8)))
    worked = [week.headlines[0], *(f"{one.label}: {one.ratio} the usual, {one.verdict}"
                                   for one in week.ratios["post"].judged[:5])]  # fmt: skip
    assert "\n- ".join([*worked, f"Time of day: {week.day_verdict}"]) in message.text


def test_gone_and_failed_are_told(store: Store) -> None:
    Engaged(store).fill()
    list(troubled(store))

    message = digest_of(store, FastClock(datetime(2027, 2, 8, 15, tzinfo=UTC))).message()

    assert "post-99 is no longer on coalition-bluesky" in message.text
    assert "2 reads of numbers failed or came too late" in message.text


def test_a_week_without_posts_says_so(store: Store) -> None:
    text = digest_of(store, FastClock(MONDAY)).message().text

    assert "WHAT WENT OUT\n- nothing" in text
    assert "mastodon: not enough yet, 8 more needed" in text


def test_the_page_is_attached(store: Store, inbox: Inbox) -> None:
    Engaged(store).fill()
    digest = digest_of(store, FastClock(MONDAY), inbox.address)

    assert digest.send(digest.message())

    (letter,) = (asked.json for asked in inbox.asked)
    assert "WHAT WORKED" in letter["message"]
    (attached,) = letter["attachments"]
    assert attached["filename"] == "engagement-2027-01-24.html"
    assert base64.b64decode(attached["base64"]).startswith(b"<!doctype html>")


def test_it_is_sent_once_a_week_from_monday_eight_on(store: Store, inbox: Inbox) -> None:
    clock = FastClock(MONDAY - timedelta(hours=1))
    digest = digest_of(store, clock, inbox.address)

    sent = []
    for _hour in range(24 * 8):
        if digest.run():
            sent.append(clock.now())
        clock.advance(timedelta(hours=1))

    assert sent == [MONDAY, MONDAY + timedelta(days=7)]
    assert len(inbox.asked) == 2


def test_a_digest_that_nobody_took_is_tried_again(store: Store, inbox: Inbox) -> None:
    clock = FastClock(MONDAY)
    digest = digest_of(store, clock, inbox.address)
    inbox.status = 500

    failed = digest.run()
    inbox.status = 200
    too_early = digest.run()
    clock.advance(timedelta(minutes=16))

    assert (failed, too_early, digest.run(), digest.run()) == (False, False, True, False)


def test_an_address_that_fails_neither_stops_nor_repeats_the_others(
    store: Store, inbox: Inbox
) -> None:
    clock = FastClock(MONDAY)
    digest = digest_of(store, clock, "json://127.0.0.1:9/", inbox.address)

    sent = []
    for _hour in range(24):
        sent.append(digest.run())
        clock.advance(timedelta(hours=1))

    assert sent == [True] + [False] * 23
    assert len(inbox.asked) == 1


def test_two_workers_send_one_digest(store: Store) -> None:
    assert store.digests.claim("2027-W03", MONDAY)
    assert not store.digests.claim("2027-W03", MONDAY)
    store.digests.mark_sent("2027-W03", MONDAY)
    assert not store.digests.claim("2027-W03", MONDAY + timedelta(days=1))


def test_without_an_address_nothing_is_sent(store: Store) -> None:
    digest = digest_of(store, FastClock(MONDAY))

    assert not digest.send(digest.message())
