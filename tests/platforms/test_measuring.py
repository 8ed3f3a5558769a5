from __future__ import annotations

import subprocess
import sys

import pytest

from bot.platforms.bluesky import SPEC as BLUESKY_SPEC
from bot.platforms.bluesky import length as bluesky_length
from bot.platforms.mastodon import countable_texts
from bot.platforms.mastodon import length as mastodon_length
from bot.platforms.measuring import find_addresses, graphemes
from bot.platforms.spec import Limits
from bot.platforms.x import length as x_length

X = Limits(280)
BLUESKY = BLUESKY_SPEC.limits
MASTODON = Limits(500)
FAMILY = "👨‍👩‍👧‍👦"
UYGHUR_LETTERS = "ئائەبپتجچخدرزژسشغفقكگڭلمنھئوئۇئۆئۈۋئېئىي"


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("A\u0301", 1),  # composed first (NFC)
        ("https://example.org/" + "long" * 50, 23),
        ("http://t.co", 23),
        ("bbc.com/x", 23),  # a bare host is an address
        ("see bbc.com.", 4 + 23 + 1),
        ("duck.duck/" + "x" * 40, 23),  # which the root zone dropped
        ("…", 2),
        ("•", 2),
        ("€", 2),
        ("→", 2),
        ("™", 2),
        ("—–‘’“”", 6),
        (UYGHUR_LETTERS, len(UYGHUR_LETTERS)),
        ("ﷺ", 2),
        ("©", 1),
        ("©️", 2),
        ("\r\n", 2),
        ("维吾尔", 6),
        (FAMILY, 2),
        ("✊🏽", 2),
        ("🇺🇸", 2),
        ("1️⃣", 2),
        ("🧔‍♂️", 5),  # newer than the emoji that X has published: its parts, the larger count
        ("\u2067\u2069", 4),
        ("", 0),
    ],
)
def test_x_weighs(text: str, weight: int) -> None:
    assert x_length(text, X) == weight


def test_a_host_newer_than_the_list_of_x_counts_what_is_more() -> None:
    short, long = "a.kids", "https://a.kids/" + "x" * 30

    assert x_length(short, X) == 23
    assert x_length(long, X) == len(long)
    assert [one.is_certain for one in find_addresses(f"{short} bbc.com")] == [False, True]


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("abc", 3), ("\r\n", 1), ("é", 1), ("e\u0301", 1), (FAMILY, 1), ("🇺🇸🇨🇦", 2)],
)
def test_graphemes_are_what_readers_see(text: str, count: int) -> None:
    assert graphemes(text) == count


def test_the_two_limits_of_bluesky_both_bind() -> None:
    families = FAMILY * 150

    assert (graphemes(families), len(families.encode())) == (150, 3750)
    assert bluesky_length(families, BLUESKY) == 301
    assert bluesky_length(families, Limits(300)) == 150


def test_graphemes_bind_first_in_uyghur() -> None:
    text = "ئ" * 420

    assert len(text.encode()) == 840
    assert bluesky_length(text, BLUESKY) == 420


ADDRESS = "a" * 23


OLDER, NEWER = 0, 1


@pytest.mark.parametrize(
    ("version", "text", "as_counted"),
    [
        (NEWER, "good morning", "good morning"),
        (NEWER, "read https://uhrp.org/reports/a-long-one/ now", f"read {ADDRESS} now"),
        (NEWER, "read uhrp.org/reports/a-long-one/ now", f"read {ADDRESS} now"),
        (NEWER, "read https://uhrp.org/🐪/#camel/and/some/more now", f"read {ADDRESS} now"),
        (NEWER, "les https://blåbærsyltetøy.example.no/ i dag", f"les {ADDRESS} i dag"),
        (NEWER, "请看 https://维吾尔人权项目维吾尔人权项目.网址/ 今天", f"请看 {ADDRESS} 今天"),
        (NEWER, "thanks @uhrp", "thanks @uhrp"),
        (NEWER, "thanks @uhrp@mastodon.social", "thanks @uhrp"),
        (NEWER, "@uhrp@uhrp.example.org see https://uhrp.org", f"@uhrp see {ADDRESS}"),
        (NEWER, "write to name@example.org today", "write to name@example.org today"),
        (NEWER, "@name@nosuchplace", "@name@nosuchplace"),
        (OLDER, "read https://uhrp.org/reports/a-long-one/ now", f"read {ADDRESS} now"),
        (OLDER, "read uhrp.org/a now", "read uhrp.org/a now"),
        (OLDER, "read https://uhrp.org/🐪", f"read {ADDRESS}🐪"),
        (OLDER, "thanks @uhrp@mastodon.social.", "thanks @uhrp."),
        (OLDER, "thanks @uhrp@grå.org", "thanks @uhrpå.org"),
        (OLDER, "name@example.org", "name@example.org"),
        (OLDER, "https://uhrp.org/@a@b.org", f"{ADDRESS}"),
    ],
)
def test_mastodons_count_by_their_version(version: int, text: str, as_counted: str) -> None:
    assert countable_texts(text, 23)[version] == as_counted


def test_mastodon_counts_by_the_rule_that_counts_more() -> None:
    """Older servers count a bare host as it is, newer ones as an address."""
    short, long = "t.co", "example.org/" + "x" * 40

    assert mastodon_length(short, MASTODON) == 23
    assert mastodon_length(long, MASTODON) == len(long)
    assert mastodon_length("hi @a@grå.org", MASTODON) == len("hi @aå.org")


def test_mastodon_does_not_compose() -> None:
    assert mastodon_length("e\u0301" * 3, MASTODON) == 3


def test_addresses_count_as_the_account_or_the_server_says() -> None:
    assert x_length("https://example.org", Limits(280, url_length=30)) == 30
    assert mastodon_length("https://example.org", Limits(500, url_length=40)) == 40


def test_importing_costs_no_patterns() -> None:
    """`bot.cli` imports this before anything is known to be counted."""
    code = "import bot.platforms.measuring as t; print(t._address.cache_info().currsize)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "0"
