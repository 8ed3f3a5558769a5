"""How the Mastodon adapter reads back, counts and asks, on servers of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.canonical import sha256_hex
from bot.content.model import Account
from bot.errors import UnavailableError, UnconfirmedError
from bot.platforms.base import Connection, Platform
from bot.platforms.mastodon.adapter import connect
from bot.platforms.mastodon.spec import SPEC
from bot.platforms.mastodon.timeline import plain_texts, reads_as
from bot.platforms.status import Draft, Metrics, Picture, PostRef, ReplyTo, Status
from tests.contract.contract import CountingMeter
from tests.fakes.loopback import Told
from tests.fakes.mastodon_quirks import QuirkyMastodon

NOW = datetime.now(UTC)
PICTURE = Picture(sha256_hex(b"x"), "image/png", "a square", 8, 8, 1)
LONG = "https://investigations.example/2022/the-partners-of-the-camera-makers"


@pytest.fixture
def server() -> Iterator[QuirkyMastodon]:
    with QuirkyMastodon() as server:
        yield server


@pytest.fixture
def platform(server: QuirkyMastodon) -> Iterator[Platform]:
    account = Account("voice", "mastodon", server=server.origin)
    platform = connect(Connection(account, {"ACCESS_TOKEN": "token-of-tests"}, CountingMeter()))
    yield platform
    platform.close()


def draft(
    platform: Platform,
    text: str = "words",
    *,
    key: str = "key",
    at: datetime = NOW,
    warning: str | None = None,
    pictures: tuple[Picture, ...] = (),
    parent: str = "",
) -> Draft:
    return platform.prepare(
        Status(text, warning=warning, pictures=pictures),
        key=key,
        at=at,
        reply_to=ReplyTo(PostRef(parent), PostRef(parent)) if parent else None,
        pictures=lambda _picture: b"x",
    )


# -- what a status looks like


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<p>one</p><p>two<br />three</p>", "one\n\ntwo\nthree"),
        ("<p>a &amp; b &lt;c&gt; “d” — ’e’</p>", "a & b <c> “d” — ’e’"),
        (
            f'<p>read <a href="{LONG}" rel="nofollow"><span class="invisible">https://</span>'
            '<span class="ellipsis">investigations.example/2022/the-pa</span>'
            '<span class="invisible">rtners-of-the-camera-makers</span></a></p>',
            f"read {LONG}",
        ),
        (f'<p>read <a href="{LONG}">investigations.example/2022…</a></p>', f"read {LONG}"),
        ('<p>see <a href="http://a.example/">a.example</a></p>', "see a.example"),
        (
            '<p><span class="h-card"><a href="https://b.example/@ally" class="u-url mention">'
            "@<span>ally</span></a></span> and us</p>",
            "@ally@b.example and us",
        ),
        (
            '<p><a href="https://a.example/tags/Uyghur" class="mention hashtag" rel="tag">'
            "#<span>Uyghur</span></a></p>",
            "#Uyghur",
        ),
        ('<p><a href="https://a.example/tags/Uyghur">#Uyghur</a></p>', "#Uyghur"),
        ("<p>&quot;straight&quot; &#8217;</p>", "“straight” '"),
        ("plain", "plain"),
        ("<p>🕯️</p>", "🕯️"),
        ("<p>ئۇيغۇر خەلقى</p>", "ئۇيغۇر خەلقى"),
        ("<p>a <a>dead end</a></p>", "a dead end"),
    ],
)
def test_the_same_words_are_known_in_whatever_html(content: str, text: str) -> None:
    assert reads_as(content, text)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<p>one</p>", "two"),
        ("<p>words</p>", "words 1/2"),
        ('<p>list <a href="https://a.example/1">a.example…</a></p>', "list https://a.example/2"),
        ("<p>🕯️</p>", "🎗️"),
        ("", "words"),
    ],
)
def test_other_words_are_other_words(content: str, text: str) -> None:
    assert not reads_as(content, text)


def test_html_that_never_ends_is_read_all_the_same() -> None:
    assert plain_texts("<p>one <a href='https://a.example'>two") == ("\none ", "\none two")


# -- reading back


@pytest.mark.parametrize(
    "other",
    [
        {"spoiler_text": "violence"},
        {"in_reply_to_id": "77"},
        {"media_attachments": [{"id": "9"}]},
        {"reblog": {"id": "1"}},
    ],
)
def test_the_same_words_elsewhere_are_not_taken_for_ours(
    server: QuirkyMastodon, platform: Platform, other: dict[str, Any]
) -> None:
    server.post("words", **other)

    assert platform.find(draft(platform)) is None


def test_a_thread_part_is_known_by_its_parent(server: QuirkyMastodon, platform: Platform) -> None:
    server.post("words")
    mine = server.post("words", in_reply_to_id="77")
    server.post("words", in_reply_to_id="78")

    found = platform.find(draft(platform, parent="77"))

    assert found is not None
    assert found.id == mine["id"]


def test_a_status_is_known_by_its_pictures_though_its_words_were_edited(
    server: QuirkyMastodon, platform: Platform
) -> None:
    made = draft(platform, pictures=(PICTURE,))
    mine = server.post("edited since", media_attachments=[{"id": made.body["media_ids"][0]}])

    found = platform.find(made)

    assert found is not None
    assert found.id == mine["id"]


@pytest.mark.parametrize("shown", ["<p>words</p>", "<p>w o r d s ***</p><p>words</p>"])
def test_our_words_with_other_pictures_need_a_person(
    server: QuirkyMastodon, platform: Platform, shown: str
) -> None:
    server.quirks.contents["words"] = shown
    server.post("words", media_attachments=[{"id": "renamed"}])

    with pytest.raises(UnconfirmedError, match="other pictures"):
        platform.find(draft(platform, pictures=(PICTURE,)))


def test_the_source_decides_where_the_html_does_not_look_like_it(
    server: QuirkyMastodon, platform: Platform
) -> None:
    server.quirks.contents["words"] = "<p>rendered beyond recognition</p>"
    server.post("other words")
    mine = server.post("words")

    found = platform.find(draft(platform))

    assert found is not None
    assert found.id == mine["id"]


def test_a_server_without_sources_is_read_by_its_html_alone(
    server: QuirkyMastodon, platform: Platform
) -> None:
    server.quirks.has_source = False
    server.post("other words")

    assert platform.find(draft(platform)) is None


def test_sources_are_not_asked_without_end(server: QuirkyMastodon, platform: Platform) -> None:
    for number in range(40):
        server.post(f"number {number}")

    assert platform.find(draft(platform, at=NOW + timedelta(hours=1))) is None

    assert sum(line.endswith("/source") for line in server.lines) == 20


def test_the_timeline_is_read_back_to_the_first_attempt(
    server: QuirkyMastodon, platform: Platform
) -> None:
    server.post("before", created_at=(NOW - timedelta(hours=1)).isoformat())
    mine = server.post("words")
    for number in range(100):
        server.post(f"{number}", reblog={"id": "1"})

    found = platform.find(draft(platform))

    assert found is not None
    assert found.id == mine["id"]


def test_reading_stops_at_what_is_older_than_the_attempt(
    server: QuirkyMastodon, platform: Platform
) -> None:
    server.quirks.page = 2
    for number in range(9):
        server.post(f"{number}", created_at=(NOW - timedelta(hours=1)).isoformat(), reblog=1)

    assert platform.find(draft(platform)) is None

    assert sum(line.endswith("/7/statuses") for line in server.lines) == 1


@pytest.mark.parametrize("ignores_max_id", [True, False])
def test_a_timeline_that_cannot_be_read_back_far_enough_needs_a_person(
    server: QuirkyMastodon, platform: Platform, ignores_max_id: bool
) -> None:
    server.quirks.ignores_max_id = ignores_max_id
    server.quirks.page = 2
    for number in range(30):
        server.post(f"{number}", reblog={"id": "1"}, created_at=None)

    with pytest.raises(UnconfirmedError, match="cannot be read back"):
        platform.find(draft(platform))


def test_an_outage_in_the_middle_of_a_source_is_not_absence(
    server: QuirkyMastodon, platform: Platform
) -> None:
    server.quirks.contents["words"] = "<p>rendered beyond recognition</p>"
    mine = server.post("words")
    server.quirks.answers[f"GET /api/v1/statuses/{mine['id']}/source"] = Told(503)

    with pytest.raises(UnavailableError):
        platform.find(draft(platform))


@pytest.mark.parametrize("told", [[7], [{"id": None}], [{"no": "id"}], {"id": "1"}])
def test_a_timeline_of_something_else_is_not_absence(
    server: QuirkyMastodon, platform: Platform, told: object
) -> None:
    server.quirks.answers["GET /api/v1/accounts/7/statuses"] = Told(body=told)

    with pytest.raises(UnavailableError):
        platform.find(draft(platform))


# -- existence


def test_a_web_servers_own_404_is_not_taken_for_a_deletion(
    server: QuirkyMastodon, platform: Platform
) -> None:
    ref = PostRef(str(server.post("words")["id"]))
    lost = Told(404, b"<html>nginx</html>", {"Content-Type": "text/html"})
    for verb in ("GET", "DELETE"):
        server.quirks.answers[f"{verb} /api/v1/statuses/{ref.id}"] = lost

    with pytest.raises(UnavailableError):
        platform.exists(ref)
    with pytest.raises(UnavailableError):
        platform.delete(ref)


def test_a_status_is_deleted_once(server: QuirkyMastodon, platform: Platform) -> None:
    ref = PostRef(f"https://social.example/@voice/{server.post('words')['id']}")

    assert platform.exists(ref)
    assert platform.delete(ref)
    assert not platform.delete(ref)
    assert not platform.exists(ref)


# -- numbers


def numbers(server: QuirkyMastodon, platform: Platform, count: int) -> list[PostRef]:
    refs = [PostRef(str(server.post(f"{number}")["id"])) for number in range(count)]
    read = platform.metrics(refs)
    assert list(read) == refs
    assert set(read.values()) == {Metrics(likes=3, reposts=2, replies=1)}
    return refs


def test_numbers_are_read_in_batches_of_twenty(server: QuirkyMastodon, platform: Platform) -> None:
    numbers(server, platform, 45)

    assert server.lines == ["GET /api/v1/statuses"] * 3
    assert [len(asked.query["id[]"]) for asked in server.asked] == [20, 20, 5]


def test_a_server_without_batches_is_read_by_its_timeline(
    server: QuirkyMastodon, platform: Platform
) -> None:
    server.quirks.batches = "no"

    numbers(server, platform, 50)

    assert server.lines.count("GET /api/v1/accounts/7/statuses") == 2
    assert not any(line.startswith("GET /api/v1/statuses/") for line in server.lines)


def test_a_batch_of_nothing_is_not_taken_for_deletion(
    server: QuirkyMastodon, platform: Platform
) -> None:
    server.quirks.batches = "empty"

    numbers(server, platform, 2)


@pytest.mark.parametrize("batches", ["yes", "no", "empty"])
def test_a_deleted_status_is_missing(
    server: QuirkyMastodon, platform: Platform, batches: str
) -> None:
    server.quirks.batches = batches
    kept = PostRef(str(server.post("kept")["id"]))

    assert list(platform.metrics([PostRef("5"), kept])) == [kept]


def test_a_server_that_ignores_pages_is_asked_one_by_one(
    server: QuirkyMastodon, platform: Platform
) -> None:
    server.quirks.batches = "no"
    server.quirks.ignores_max_id = True
    server.quirks.page = 1

    numbers(server, platform, 3)


def test_numbers_that_are_not_told_are_none(server: QuirkyMastodon, platform: Platform) -> None:
    made = server.post("w", favourites_count="many", reblogs_count=None, replies_count=-1)
    ref = PostRef(str(made["id"]))

    assert platform.metrics([ref]) == {ref: Metrics()}


@pytest.mark.parametrize("junk", [{"a": 1}, [7], "no"])
def test_a_junk_of_a_batch_is_passed_over(
    server: QuirkyMastodon, platform: Platform, junk: object
) -> None:
    ref = PostRef(str(server.post("w")["id"]))
    server.quirks.answers["GET /api/v1/statuses"] = Told(body=junk)

    assert list(platform.metrics([ref])) == [ref]


@pytest.mark.parametrize("told", [{"id": "8"}, {"id": True}, {}])
def test_another_status_is_not_the_one_that_was_asked_for(
    server: QuirkyMastodon, platform: Platform, told: object
) -> None:
    ref = PostRef("9")
    server.quirks.batches = "no"
    server.quirks.answers["GET /api/v1/statuses/9"] = Told(body=told)

    with pytest.raises(UnavailableError):
        platform.exists(ref)
    with pytest.raises(UnavailableError):
        platform.metrics([ref])


# -- the account and its server


@pytest.mark.parametrize("is_bot", [True, False])
def test_the_bot_flag_is_read(server: QuirkyMastodon, platform: Platform, is_bot: bool) -> None:
    server.quirks.is_bot = is_bot
    server.quirks.instance_v2 = {"title": "Mastodon", "version": "4.6.1"}

    profile = platform.profile()

    host = server.origin.removeprefix("http://")
    assert (profile.id, profile.handle) == ("7", f"voice@{host}")
    assert profile.is_labelled_bot is is_bot
    assert profile.server == "Mastodon 4.6.1"


_CONFIGURED = {
    "configuration": {
        "statuses": {
            "max_characters": 5000,
            "max_media_attachments": 6,
            "characters_reserved_per_url": 25,
        },
        "media_attachments": {
            "description_limit": 900,
            "image_size_limit": 1000,
            "image_matrix_limit": 2000,
            "supported_mime_types": ["image/png", "video/mp4"],
        },
    }
}


@pytest.mark.parametrize("where", ["instance_v2", "instance_v1"])
def test_limits_are_the_servers_own(server: QuirkyMastodon, platform: Platform, where: str) -> None:
    setattr(server.quirks, where, _CONFIGURED)

    limits = platform.limits()

    assert (limits.max_length, limits.max_pictures, limits.url_length) == (5000, 6, 25)
    assert (limits.max_alt, limits.max_picture_bytes, limits.max_pixels) == (900, 1000, 2000)
    assert limits.picture_mimes == ("image/png",)


def test_limits_in_the_words_of_older_servers_are_read(
    server: QuirkyMastodon, platform: Platform
) -> None:
    server.quirks.instance_v1 = {"max_toot_chars": 3000, "description_limit": 700}

    limits = platform.limits()

    assert (limits.max_length, limits.max_alt) == (3000, 700)


@pytest.mark.parametrize(
    "told",
    [
        None,
        {"configuration": None},
        {"configuration": {"statuses": [], "media_attachments": "x"}},
        {"configuration": {"statuses": {"max_characters": -1, "max_media_attachments": True}}},
        {"configuration": {"statuses": {"max_characters": "500"}}},
        {"configuration": {"media_attachments": {"supported_mime_types": ["video/mp4"]}}},
    ],
)
def test_limits_that_are_not_told_are_the_usual(
    server: QuirkyMastodon, platform: Platform, told: Any
) -> None:
    server.quirks.instance_v2 = told

    assert platform.limits() == SPEC.limits


def test_an_instance_page_that_is_no_json_is_passed_over(
    server: QuirkyMastodon, platform: Platform
) -> None:
    server.quirks.answers["GET /api/v2/instance"] = Told(500, b"oops")
    server.quirks.answers["GET /api/v1/instance"] = Told(200, b"<html>")

    assert platform.limits() == SPEC.limits


def test_limits_wait_while_the_server_says_too_many(
    server: QuirkyMastodon, platform: Platform
) -> None:
    server.quirks.answers["GET /api/v2/instance"] = Told(429)

    with pytest.raises(UnavailableError):
        platform.limits()
