"""What servers do that speak Mastodon's API in their own way, and what the adapter makes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.app.doctor import probe
from bot.errors import (
    PlatformError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)
from bot.platforms.status import Draft, Metrics, PostRef
from tests.fakes.loopback import Told
from tests.fakes.mastodon_voice import NOW, PICTURE, VoiceServer

WARNING = 'Violence & "death" of <people>'
LIST = "Three demands:\n1. Stop *now*.\n2. Name them.\n- Pay."


def lost(server: VoiceServer, draft: Draft) -> dict[str, Any]:
    """Publish with an answer that nobody hears; return what the server took."""
    server.quirks.loses_answers = 1
    with pytest.raises(UnconfirmedError):
        server.platform.publish(draft)
    return server.statuses[0]


# -- 1: what is not listed is not absent


@pytest.mark.parametrize("is_sent_before", [True, False])
def test_a_server_that_lists_no_private_status_proves_nothing(is_sent_before: bool) -> None:
    with VoiceServer(visibility="private") as server:
        server.quirks.unlisted_kinds = ("private",)
        if is_sent_before:
            server.platform.publish(server.draft("the one before"))
        draft = server.draft()
        lost(server, draft)

        with pytest.raises(UnconfirmedError, match="does not list the account's last private"):
            server.platform.find(draft)


def test_an_account_without_any_status_of_its_kind_proves_nothing() -> None:
    with VoiceServer(visibility="unlisted") as server:
        draft = server.draft()

        with pytest.raises(UnconfirmedError, match="does not list"):
            server.platform.find(draft)

        server.platform.publish(draft)
        assert server.found(server.draft("another")) == ""


def test_what_was_sent_last_and_deleted_by_us_does_not_count_against_the_server(
    server: VoiceServer,
) -> None:
    server.platform.delete(server.platform.publish(server.draft("the one before")))

    assert server.found(server.draft()) == ""


# -- 2: boosts


def test_a_status_is_known_although_it_is_shown_as_somebodys_boost(server: VoiceServer) -> None:
    server.quirks.wraps_boosted = True
    draft = server.draft()
    made = lost(server, draft)
    server.boost(made)

    assert server.found(draft) == made["id"]
    assert server.platform.exists(PostRef(made["id"]))


@pytest.mark.parametrize("batches", ["yes", "no", "empty"])
def test_boosted_and_unreadable_statuses_keep_no_other_from_its_numbers(
    server: VoiceServer, batches: str
) -> None:
    server.quirks.wraps_boosted, server.quirks.batches = True, batches
    plain, boosted, broken = (str(server.post(name)["id"]) for name in ("a", "b", "c"))
    server.boost(server.statuses[1])
    server.statuses[0] |= {"id": None}
    server.quirks.answers[f"GET /api/v1/statuses/{broken}"] = Told(500, {"error": "oops"})
    refs = [PostRef(plain), PostRef(boosted), PostRef(broken)]

    counted = Metrics(likes=3, reposts=2, replies=1)
    numbers = server.platform.metrics(refs)
    assert [numbers[ref] for ref in refs] == [counted, counted, Metrics()]


def test_where_nothing_can_be_read_no_numbers_are_made_up(server: VoiceServer) -> None:
    ref = PostRef(str(server.post("a")["id"]))
    server.quirks.page_in_front = 403

    with pytest.raises(PlatformError):
        server.platform.metrics([ref])


# -- 4: parents


@pytest.mark.parametrize(("replies", "found"), [("drops", "nothing"), ("root", "1")])
def test_the_same_words_under_another_parent_are_told_with_both_addresses(
    server: VoiceServer, replies: str, found: str
) -> None:
    server.quirks.replies = replies
    parent = server.platform.publish(server.draft("the first part"))
    draft = server.draft("the second part", parent=parent)
    made = lost(server, draft)

    told = f"{made['url']} has its words, but answers {found}, not {parent.url}"
    with pytest.raises(UnconfirmedError, match=told):
        server.platform.find(draft)


# -- 5: words and pictures


@pytest.mark.parametrize("warnings", ["keeps", "escapes", "content", "both", "title"])
@pytest.mark.parametrize("has_source", [True, False])
@pytest.mark.parametrize("text", ["what happened", LIST])
def test_a_lost_warning_is_known_wherever_the_server_puts_it(
    server: VoiceServer, warnings: str, has_source: bool, text: str
) -> None:
    server.quirks.warnings, server.quirks.has_source = warnings, has_source
    server.quirks.renders_markdown = True
    draft = server.draft(text, warning=WARNING)

    assert lost(server, draft)["id"] == server.found(draft)


def test_words_without_their_warning_are_a_persons_to_judge(server: VoiceServer) -> None:
    server.quirks.warnings = "drops"
    draft = server.draft(warning=WARNING)
    lost(server, draft)

    with pytest.raises(UnconfirmedError, match="has its words, but another warning"):
        server.platform.find(draft)


@pytest.mark.parametrize("alts", ["keeps", "strips"])
def test_pictures_with_other_ids_are_known_by_their_descriptions(
    server: VoiceServer, alts: str
) -> None:
    server.quirks.renames_pictures, server.quirks.alts = True, alts
    draft = server.draft(pictures=(replace(PICTURE, alt="A <b>grey</b> square\nof stone"),))

    assert lost(server, draft)["id"] == server.found(draft)


# -- 6: what was taken, but not as it was sent


@pytest.mark.parametrize(
    ("quirks", "told"),
    [
        ({}, ()),
        ({"warnings": "escapes", "renders_markdown": True, "renames_pictures": True}, ()),
        ({"warnings": "drops"}, ("its warning is another one, or missing",)),
        ({"ignores_pictures": True}, ("but 0 of 1 pictures",)),
        ({"alts": "drops", "renames_pictures": True}, ("but other pictures, or other words",)),
        ({"languages": "drops"}, ("its language is not kept, not ug",)),
        ({"visibility": "direct"}, ("it is direct, not public",)),
        ({"replies": "drops"}, ("but answers nothing, not 77",)),
        ({"contents": {"words": "<p>wor…</p>"}}, ("its text reads otherwise",)),
        ({"tells_null": True, "replies": "drops"}, ("but answers nothing, not 77",)),
    ],
)
def test_a_receipt_tells_what_the_server_made_of_it(
    server: VoiceServer, quirks: dict[str, Any], told: tuple[str, ...]
) -> None:
    for name, value in quirks.items():
        setattr(server.quirks, name, value)
    draft = server.draft(warning=WARNING, pictures=(PICTURE,), parent="77")

    differs = [*server.platform.publish(draft).differs.values()]

    assert len(differs) == len(told)
    assert all(found.startswith(words) for found, words in zip(differs, told, strict=True))


@pytest.mark.parametrize("refusal", [400, 422])
def test_no_boolean_is_written_as_a_number(server: VoiceServer, refusal: int) -> None:
    server.quirks.strict_booleans = refusal

    first = server.platform.publish(server.draft("one", warning=WARNING))
    server.platform.publish(server.draft("two", pictures=(PICTURE,), parent=first))

    assert server.found(server.draft("three")) == ""
    assert len(server.platform.metrics([first])) == 1


def test_ids_may_be_words(server: VoiceServer) -> None:
    server.quirks.has_word_ids, server.quirks.page = True, 2
    first = server.platform.publish(server.draft("one"))
    draft = server.draft("two", parent=first)
    made = lost(server, draft)
    for number in range(4):
        server.post(f"later {number}")

    assert made["id"].isalnum()
    assert not made["id"].isdigit()
    assert server.found(draft) == made["id"]


def test_ids_may_be_numbers(server: VoiceServer) -> None:
    server.quirks.has_number_ids = server.quirks.wraps_boosted = True
    first = server.platform.publish(server.draft("one", pictures=(PICTURE,)))
    draft = server.draft("two", parent=first)
    made = lost(server, draft)
    server.boost(server.statuses[0])

    found = server.platform.find(draft)

    assert found is not None
    assert (found.id, found.differs, first.differs) == (made["id"], {}, {})
    assert set(server.platform.metrics([first, found])) == {first, found}
    assert server.platform.delete(found)


def test_what_is_pinned_does_not_end_the_reading(server: VoiceServer) -> None:
    server.quirks.repeats_pinned, server.quirks.page = True, 2
    server.post("pinned", pinned=True, created_at="2020-01-01T00:00:00Z")
    draft = server.draft("two")
    made = lost(server, draft)
    for number in range(3):
        server.post(f"later {number}")

    assert server.found(draft) == made["id"]


# -- 9: tokens that were revoked, and pages in front


@pytest.mark.parametrize("status", [400, 401, 403, 422])
def test_a_revoked_token_stops_the_account_however_it_is_refused(
    server: VoiceServer, status: int
) -> None:
    draft = server.draft()
    server.quirks.dead_token = status

    told = f"POST /api/v1/statuses answered {status}: The access token was revoked"
    with pytest.raises(UnauthorizedError, match=told):
        server.platform.publish(draft)
    with pytest.raises(UnauthorizedError):
        server.platform.find(draft)
    with pytest.raises(UnauthorizedError):
        server.platform.profile()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_page_in_front_of_the_server_is_no_refusal(server: VoiceServer, status: int) -> None:
    draft, ref = server.draft(), PostRef("1")
    server.quirks.page_in_front = status

    with pytest.raises(UnconfirmedError, match="a page that is not the platform's own"):
        server.platform.publish(draft)
    for call in (
        server.platform.profile,
        lambda: server.platform.find(draft),
        lambda: server.platform.exists(ref),
        lambda: server.platform.delete(ref),
        lambda: server.draft(pictures=(PICTURE,)),
    ):
        with pytest.raises(UnavailableError):
            call()


def test_a_401_with_a_token_that_works_is_read_back(server: VoiceServer) -> None:
    draft = server.draft()
    server.quirks.answers["POST /api/v1/statuses"] = Told(401, {"error": "so"})

    with pytest.raises(UnconfirmedError, match="but the credentials work"):
        server.platform.publish(draft)


def test_gone_is_what_reading_says(server: VoiceServer) -> None:
    ref = server.platform.publish(server.draft())
    server.quirks.answers[f"DELETE /api/v1/statuses/{ref.id}"] = Told(404, {"error": "no"})

    with pytest.raises(UnavailableError, match="it can still be read"):
        server.platform.delete(ref)

    server.statuses.clear()
    assert server.platform.delete(ref) is False


# -- a probe, and what comes of it


@pytest.mark.parametrize(
    ("quirks", "unable"),
    [
        ({}, set()),
        (
            {"ignores_key": True, "languages": "drops", "alts": "strips", "warnings": "escapes"},
            {"keys", "language"},
        ),
        (
            {"unlisted_kinds": ("unlisted",), "replies": "drops", "warnings": "drops",
             "alts": "drops", "renames_pictures": True, "strict_booleans": 422},
            {"finds", "lists unlisted", "lists public", "replies", "warning", "pictures"},
        ),
    ],
    ids=["as Mastodon", "some do", "others do"],
)  # fmt: skip
def test_a_probe_tells_what_a_server_can_do_and_leaves_nothing(
    server: VoiceServer, quirks: dict[str, Any], unable: set[str]
) -> None:
    for name, value in quirks.items():
        setattr(server.quirks, name, value)

    trials = {trial.ability: trial.is_able for trial in probe(server.platform, NOW)}

    assert {name for name, is_able in trials.items() if not is_able} == unable
    assert [status["id"] for status in server.statuses] == ["1"]
    visible = {asked.form["visibility"][0] for asked in server.asked if asked.form.get("status")}
    assert visible == {"unlisted"}


def test_a_probe_of_a_private_account_stays_private() -> None:
    with VoiceServer(visibility="private") as server:
        server.quirks.unlisted_kinds = ("private",)

        trials = {trial.ability: trial.is_able for trial in probe(server.platform, NOW)}

        visible = {one.form["visibility"][0] for one in server.asked if one.form.get("status")}
        assert visible == {"private"}
        assert trials["lists private"] is False
        assert "lists public" not in trials


def test_a_probe_whose_answer_is_lost_deletes_what_it_made(server: VoiceServer) -> None:
    server.quirks.loses_answers = 1

    list(probe(server.platform, NOW))

    assert [status["id"] for status in server.statuses] == ["1"]


def test_a_probe_that_cannot_delete_names_all_that_it_leaves(server: VoiceServer) -> None:
    broken = Told(500, {"error": "so"})
    lines = [f"DELETE /api/v1/statuses/{number}" for number in range(100, 120)]
    server.quirks.answers |= dict.fromkeys(lines, broken)

    with pytest.raises(UnavailableError) as raised:
        list(probe(server.platform, NOW))

    left = [status for status in server.statuses if status["id"] != "1"]
    assert len(left) >= 2
    assert all(status["url"] in str(raised.value) for status in left)


def test_a_server_that_a_probe_saw_without_batches_is_not_asked_for_one() -> None:
    with VoiceServer(abilities={"numbers in batches": False}) as server:
        refs = [server.platform.publish(server.draft(text)) for text in ("one", "two")]
        server.asked.clear()

        assert set(server.platform.metrics(refs)) == set(refs)
        assert "GET /api/v1/statuses" not in server.lines


def test_what_a_probe_saw_listed_counts_before_the_first_status() -> None:
    seen = {"lists unlisted": True, "language": False, "pictures": False}
    with VoiceServer(visibility="unlisted", abilities=seen) as server:
        assert server.found(server.draft()) == ""
        limits = server.platform.limits()
        assert (limits.keeps_language, limits.keeps_alt) == (False, False)
        server.platform.publish(server.draft("another"))
        server.quirks.unlisted_kinds = ("unlisted",)

        # What was sent since is what counts.
        with pytest.raises(UnconfirmedError, match="does not list"):
            server.platform.find(server.draft())
