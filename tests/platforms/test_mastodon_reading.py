"""How the Mastodon adapter reads back, counts and asks, on servers of every kind."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.canonical import JsonObject
from bot.errors import UnavailableError, UnconfirmedError
from bot.platforms.mastodon import SPEC
from bot.platforms.mastodon.comparing import Match, compare, plain_texts
from bot.platforms.status import Metrics, PostRef
from tests.fakes.loopback import Told
from tests.fakes.mastodon_voice import NOW, PICTURE, VoiceServer

LONG = "https://investigations.example/2022/the-partners-of-the-camera-makers"


# -- what a status looks like


def match_of(content: str, text: str) -> Match:
    """Return how far a status with this content is one of plain words."""
    body: JsonObject = {
        "status": text,
        "spoiler_text": "",
        "media_ids": [],
        "alts": [],
        "in_reply_to_id": None,
    }
    return compare({"content": content}, body)[0]


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
    assert match_of(content, text) is Match.SAME


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
    assert match_of(content, text) is not Match.SAME


def test_html_that_never_ends_is_read_all_the_same() -> None:
    assert plain_texts("<p>one <a href='https://a.example'>two") == ("\none ", "\none two")


# -- reading back


@pytest.mark.parametrize("reblog", [{"id": "1"}, {"id": "1", "account": {"id": "8"}}, 1])
def test_a_boost_of_anothers_words_is_not_taken_for_ours(server: VoiceServer, reblog: Any) -> None:
    draft = server.draft()
    server.post("words", reblog=reblog)

    assert server.found(draft) == ""


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"spoiler_text": "violence"}, "has its words, but another warning"),
        ({"in_reply_to_id": "77"}, "has its words, but answers 77, not nothing"),
        ({"media_attachments": [{"id": "9"}]}, "has its words, but 1 of 0 pictures"),
    ],
)
def test_the_same_words_otherwise_are_a_persons_to_judge(
    server: VoiceServer, other: dict[str, Any], told: str
) -> None:
    draft = server.draft()
    found = server.post("words", **other)

    with pytest.raises(UnconfirmedError, match=f"{found['url']} {told}"):
        server.platform.find(draft)


def test_the_same_words_from_before_the_attempt_are_another_status(server: VoiceServer) -> None:
    server.post("words")
    server.post("words", in_reply_to_id="77")

    assert server.found(server.draft()) == ""


def test_a_thread_part_is_known_by_its_parent(server: VoiceServer) -> None:
    draft = server.draft(parent="77")
    server.post("words")
    mine = server.post("words", in_reply_to_id="77")
    server.post("words", in_reply_to_id="78")

    assert server.found(draft) == mine["id"]


def test_a_status_is_known_by_its_pictures_though_its_words_were_edited(
    server: VoiceServer,
) -> None:
    made = server.draft(pictures=(PICTURE,))
    mine = server.post("edited since", media_attachments=[{"id": made.body["media_ids"][0]}])

    assert server.found(made) == mine["id"]


@pytest.mark.parametrize("shown", ["<p>words</p>", "<p>w o r d s ***</p><p>words</p>"])
@pytest.mark.parametrize("description", [None, "another square"])
def test_our_words_with_other_pictures_need_a_person(
    server: VoiceServer, shown: str, description: str | None
) -> None:
    server.quirks.contents["words"] = shown
    draft = server.draft(pictures=(PICTURE,))
    server.post("words", media_attachments=[{"id": "renamed", "description": description}])

    with pytest.raises(UnconfirmedError, match="other pictures"):
        server.platform.find(draft)


def test_the_source_decides_where_the_html_does_not_look_like_it(server: VoiceServer) -> None:
    server.quirks.contents["words"] = "<p>rendered beyond recognition</p>"
    draft = server.draft()
    server.post("other words")
    mine = server.post("words")

    assert server.found(draft) == mine["id"]


def test_a_server_without_sources_is_read_by_its_html_alone(server: VoiceServer) -> None:
    server.quirks.has_source = False
    draft = server.draft()
    server.post("other words")

    assert server.found(draft) == ""


def test_sources_are_asked_only_of_what_may_be_ours_and_not_without_end(
    server: VoiceServer,
) -> None:
    for number in range(9):
        server.post(f"before {number}")
    draft = server.draft(parent="77")
    for number in range(20):
        server.post(f"number {number}", in_reply_to_id="77")
        server.post(f"alone {number}", media_attachments=[{"id": "9"}])

    assert server.found(draft) == ""

    assert sum(line.endswith("/source") for line in server.lines) == 20
    server.post("one more", in_reply_to_id="77")
    with pytest.raises(UnconfirmedError, match="too much"):
        server.platform.find(draft)


def test_the_timeline_is_read_back_to_the_first_attempt(server: VoiceServer) -> None:
    draft = server.draft()
    mine = server.post("words")
    for number in range(100):
        server.post(f"{number}", reblog={"id": "1"})

    assert server.found(draft) == mine["id"]


def test_reading_stops_at_what_is_older_than_the_attempt(server: VoiceServer) -> None:
    for number in range(9):
        server.post(f"{number}", created_at=(NOW - timedelta(hours=1)).isoformat())
    draft = server.draft()
    server.quirks.page = 2
    server.asked.clear()

    assert server.found(draft) == ""

    assert sum(line.endswith("/7/statuses") for line in server.lines) == 1


@pytest.mark.parametrize("ignores_max_id", [True, False])
def test_a_timeline_that_cannot_be_read_back_far_enough_needs_a_person(
    server: VoiceServer, ignores_max_id: bool
) -> None:
    server.quirks.ignores_max_id = ignores_max_id
    server.quirks.page = 2
    draft = server.draft()
    for number in range(30):
        server.post(f"{number}", reblog={"id": "1"}, created_at=None)

    with pytest.raises(UnconfirmedError, match="cannot be read back"):
        server.platform.find(draft)


def test_an_outage_in_the_middle_of_a_source_is_not_absence(server: VoiceServer) -> None:
    server.quirks.contents["words"] = "<p>rendered beyond recognition</p>"
    draft = server.draft()
    mine = server.post("words")
    server.quirks.answers[f"GET /api/v1/statuses/{mine['id']}/source"] = Told(503)

    with pytest.raises(UnavailableError):
        server.platform.find(draft)


@pytest.mark.parametrize("told", [[7], [{"id": None}], [{"no": "id"}], {"id": "1"}])
def test_a_timeline_of_something_else_is_not_absence(server: VoiceServer, told: object) -> None:
    draft = server.draft()
    server.quirks.answers["GET /api/v1/accounts/7/statuses"] = Told(body=told)

    with pytest.raises(UnavailableError):
        server.platform.find(draft)


# -- existence


def test_a_web_servers_own_404_is_not_taken_for_a_deletion(server: VoiceServer) -> None:
    ref = PostRef(str(server.post("words")["id"]))
    lost = Told(404, b"<html>nginx</html>", {"Content-Type": "text/html"})
    for verb in ("GET", "DELETE"):
        server.quirks.answers[f"{verb} /api/v1/statuses/{ref.id}"] = lost

    with pytest.raises(UnavailableError):
        server.platform.exists(ref)
    with pytest.raises(UnavailableError):
        server.platform.delete(ref)


def test_a_status_is_deleted_once(server: VoiceServer) -> None:
    ref = PostRef(f"https://social.example/@voice/{server.post('words')['id']}")

    assert server.platform.exists(ref)
    assert server.platform.delete(ref)
    assert not server.platform.delete(ref)
    assert not server.platform.exists(ref)


# -- numbers


def numbers(server: VoiceServer, count: int) -> list[PostRef]:
    refs = [PostRef(str(server.post(f"{number}")["id"])) for number in range(count)]
    read = server.platform.metrics(refs)
    assert list(read) == refs
    assert set(read.values()) == {Metrics(likes=3, reposts=2, replies=1)}
    return refs


def test_numbers_are_read_in_batches_of_twenty(server: VoiceServer) -> None:
    numbers(server, 45)

    assert server.lines[1:] == ["GET /api/v1/statuses"] * 3
    assert [len(asked.query["id[]"]) for asked in server.asked[1:]] == [20, 20, 5]


def test_a_server_without_batches_is_read_by_its_timeline(server: VoiceServer) -> None:
    server.quirks.batches = "no"

    numbers(server, 50)

    assert server.lines.count("GET /api/v1/accounts/7/statuses") == 2
    assert not any(line.startswith("GET /api/v1/statuses/") for line in server.lines)


def test_a_batch_of_nothing_is_not_taken_for_deletion(server: VoiceServer) -> None:
    server.quirks.batches = "empty"

    numbers(server, 2)


@pytest.mark.parametrize("batches", ["yes", "no", "empty"])
def test_a_deleted_status_is_missing(server: VoiceServer, batches: str) -> None:
    server.quirks.batches = batches
    kept = PostRef(str(server.post("kept")["id"]))

    assert list(server.platform.metrics([PostRef("5"), kept])) == [kept]


def test_a_server_that_ignores_pages_is_asked_one_by_one(server: VoiceServer) -> None:
    server.quirks.batches = "no"
    server.quirks.ignores_max_id = True
    server.quirks.page = 1

    numbers(server, 3)


def test_numbers_that_are_not_told_are_none(server: VoiceServer) -> None:
    told = {"favourites_count": "many", "reblogs_count": None, "replies_count": -1}
    ref = PostRef(str(server.post("w", **told, quotes_count=4)["id"]))

    assert server.platform.metrics([ref]) == {ref: Metrics(quotes=4)}


@pytest.mark.parametrize("junk", [{"a": 1}, [7], "no"])
def test_a_junk_of_a_batch_is_passed_over(server: VoiceServer, junk: object) -> None:
    ref = PostRef(str(server.post("w")["id"]))
    server.quirks.answers["GET /api/v1/statuses"] = Told(body=junk)

    assert list(server.platform.metrics([ref])) == [ref]


@pytest.mark.parametrize("told", [{"id": "8"}, {"id": True}, {}])
def test_another_status_is_not_the_one_that_was_asked_for(
    server: VoiceServer, told: object
) -> None:
    ref = PostRef("9")
    server.quirks.batches = "no"
    server.quirks.answers["GET /api/v1/statuses/9"] = Told(body=told)

    with pytest.raises(UnavailableError):
        server.platform.exists(ref)
    with pytest.raises(UnavailableError):
        server.platform.metrics([ref])


# -- the account and its server


@pytest.mark.parametrize("is_bot", [True, False])
def test_the_bot_flag_is_read(server: VoiceServer, is_bot: bool) -> None:
    server.quirks.is_bot = is_bot
    server.quirks.instance_v2 = {"title": "Mastodon", "version": "4.6.1"}

    profile = server.platform.profile()

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
_LIMITS = {
    "max_length": 5000,
    "max_pictures": 6,
    "url_length": 25,
    "max_alt": 900,
    "max_picture_bytes": 1000,
    "max_pixels": 2000,
    "picture_mimes": ("image/png",),
}
_OLDER = {"max_toot_chars": 3000, "description_limit": 700}
_NEGATIVE = {"statuses": {"max_characters": -1, "max_media_attachments": True}}


@pytest.mark.parametrize(
    ("where", "told", "limits"),
    [
        ("instance_v2", _CONFIGURED, _LIMITS),
        ("instance_v1", _CONFIGURED, _LIMITS),
        ("instance_v2", {"api_versions": {"mastodon": 6}}, {}),
        ("instance_v2", {"api_versions": {"mastodon": 7}}, {"quotes": ("followers", "nobody")}),
        ("instance_v1", _OLDER, {"max_length": 3000, "max_alt": 700}),
        ("instance_v2", None, {}),
        ("instance_v2", {"configuration": None}, {}),
        ("instance_v2", {"configuration": {"statuses": [], "media_attachments": "x"}}, {}),
        ("instance_v2", {"configuration": _NEGATIVE}, {}),
        ("instance_v2", {"configuration": {"statuses": {"max_characters": "500"}}}, {}),
        ("instance_v2", {"configuration": {"media_attachments": {"supported_mime_types": []}}}, {}),
    ],
)
def test_limits_are_the_servers_own_and_the_usual_where_it_tells_none(
    server: VoiceServer, where: str, told: Any, limits: dict[str, Any]
) -> None:
    setattr(server.quirks, where, told)

    assert server.platform.limits() == replace(SPEC.limits, **{"quotes": (), **limits})


def test_an_instance_page_that_is_no_json_is_passed_over(server: VoiceServer) -> None:
    server.quirks.answers["GET /api/v2/instance"] = Told(500, b"oops")
    server.quirks.answers["GET /api/v1/instance"] = Told(200, b"<html>")

    assert server.platform.limits() == replace(SPEC.limits, quotes=())


def test_limits_wait_while_the_server_says_too_many(server: VoiceServer) -> None:
    server.quirks.answers["GET /api/v2/instance"] = Told(429)

    with pytest.raises(UnavailableError):
        server.platform.limits()
