"""A translation stands beside its original wherever somebody reads or approves it on the desk."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.fakes.browser import PASSWORD, HttpBrowser
from tests.fakes.campaign_tree import CampaignTree, sha256_of
from tests.fakes.running_bot import DAY, NINE, SCHEDULE, RunningBot, post
from tests.fakes.shipped import WEAK, add_people, serving
from tests.integration.store_rows import copied_database

UYGHUR = "ئۇلار بىزنىڭ ئانىلىرىمىز ۋە دادىلىرىمىز."
ENGLISH = "They are our mothers and fathers"
DESCRIBED = f"""\
file: ug.txt
sha256: {sha256_of(UYGHUR)}
title: ئوچۇق خەت
attribution: "ئوچۇق خەت، 2022-12-09"
date: 2022-12-09
signatories: [Many]
lang: ug
translation_of: letter
translated_by: [Aygul]
confirmed_by: [Tursun]
"""
#: As both passages stand beside each other.
SIDES = (
    f'<blockquote class="passage" dir="ltr" lang="en">“{ENGLISH}”…</blockquote>',
    f'<blockquote class="passage" dir="rtl" lang="ug">«{UYGHUR}»</blockquote>',
    "Translated by Aygul. Compared with the original, and answered for, by Tursun.",
)


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[RunningBot]:
    folder = tmp_path_factory.mktemp("desk")
    tree = CampaignTree(folder / "campaign")
    tree.put("schedule.yaml", SCHEDULE)
    tree.put("posts/sources/ug.txt", UYGHUR)
    tree.put("posts/sources/ug.yaml", DESCRIBED)
    quoted = f'quote: {{source: ug, text: "{UYGHUR}", original: "{ENGLISH}"}}'
    original = f'quote: {{source: letter, text: "{ENGLISH}"}}'
    released = "partners_from: 2026-01-01 09:00"
    posts = (
        post("ana", quoted, released, at=NINE),
        post("mothers", original, released, at=NINE + DAY),
    )
    tree.put("posts/main.yaml", f"posts:\n{''.join(posts)}")
    bot = RunningBot(folder, copied_database(migrated_file, folder / "data"), tree=tree)
    try:
        bot.start()
        bot.dashboard.access.passwords.hasher = WEAK
        add_people(bot)
        bot.work()
        with serving(bot):
            yield bot
    finally:
        bot.stop()


@pytest.fixture
def anna(bot: RunningBot) -> HttpBrowser:
    browser = bot.browser()
    browser.sign_in("anna", PASSWORD)
    return browser


def in_order(page: str, *parts: str) -> bool:
    left = html.unescape(page)
    for part in parts:
        _, found, left = left.partition(part)
        if not found:
            return False
    return True


def test_an_approver_sees_the_original_before_what_accounts_show(anna: HttpBrowser) -> None:
    page = anna.get("/posts/ana").text

    assert in_order(page, "As each account shows it", *SIDES, 'class="looks tabbed"', "Approval")
    assert in_order(page, "/sources/ug?post=ana", "/sources/letter?post=ana")


@pytest.mark.parametrize("source", ["ug", "letter"])
def test_the_pages_of_both_sources_pair_them(anna: HttpBrowser, source: str) -> None:
    page = anna.get(f"/sources/{source}").text

    assert in_order(page, f"/sources/{'letter' if source == 'ug' else 'ug'}", *SIDES, "/posts/ana")
    assert html.unescape(page).count(SIDES[2]) == 2


def test_a_passage_that_is_picked_shows_what_it_translates(anna: HttpBrowser) -> None:
    asked = f"first=1&last=1&original={quote(ENGLISH)}"

    page = anna.get(f"/sources/ug?{asked}").text

    assert in_order(page, "A post of this passage", *SIDES, "YAML to copy")


def test_another_voucher_voids_what_was_approved(bot: RunningBot, anna: HttpBrowser) -> None:
    bot.approve("ana", by=["anna"])
    assert bot.desk.consents.of(bot.row("ana").publication).count == 1

    bot.tree.change("posts/sources/ug.yaml", "[Tursun]", "[Somebody]")
    bot.watch()

    assert bot.desk.consents.of(bot.row("ana").publication).count == 0
    assert "answered for, by Somebody." in anna.get("/posts/ana").text


def test_the_kit_says_who_answers_for_a_translation(bot: RunningBot, anna: HttpBrowser) -> None:
    bot.approve("ana", "mothers")
    (person,) = bot.services.contents.campaign().sources["ug"].confirmed_by

    page = anna.get("/kit").text

    assert in_order(page, ENGLISH, f"translated: ug, {person}", "Mastodon")
