"""What editors, approvers and operators do, in a real browser, from sign-in to the log."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.authority.tables import StopReason
from bot.delivery.lifecycle import Event
from bot.delivery.model import Delivery, State
from tests.browser.chromium import signed_in
from tests.fakes.running_bot import RunningBot, post
from tests.fakes.shipped import (
    APPROVERS,
    START,
    add_people,
    lose,
    open_shipped,
    plan,
    planned,
    serving,
)
from tests.integration.store_rows import due

pytestmark = pytest.mark.browser


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[RunningBot]:
    with open_shipped(tmp_path) as bot:
        add_people(bot)
        with serving(bot):
            yield bot


Enter = Callable[..., Page]


@pytest.fixture
def enter(browser: Browser, bot: RunningBot) -> Iterator[Enter]:
    """Let somebody sign in, in a window of their own, and open a page."""
    opened: list[Page] = []

    def enter(name: str, address: str = "/") -> Page:
        page = signed_in(browser, bot, name)
        opened.append(page)
        page.goto(bot.origin + address)
        return page

    yield enter
    for page in opened:
        assert page.evaluate("refused") == []
        page.context.close()


def tomorrow(bot: RunningBot) -> Delivery:
    """Find a quotation that is due the day after the bot's first."""
    rows = planned(bot, since=START + timedelta(hours=6), until=START + timedelta(days=2))
    return next(row for row in rows if row.publication.form == "quote")


def test_an_editor_makes_a_post_of_two_sentences_with_the_keyboard(enter: Enter) -> None:
    page = enter("edna", "/sources/letter")

    for number in (3, 4):
        page.locator(f"#s-{number}").focus()
        page.keyboard.press("Enter")
        page.wait_for_url(f"**last={number}#picked")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the file").press("Enter")
    page.get_by_role("button", name="Open it in the desk check").press("Enter")

    expect(page.locator("#result")).to_contain_text("No problem in this file")
    file = Path(download.value.path()).read_text(encoding="utf-8")
    assert download.value.suggested_filename == "dahua-bears-responsibility-for-destroying.yaml"
    assert "hundreds of thousands of lives. A mountain of evidence" in file


def test_an_editor_sees_tomorrow_s_post_and_finds_its_passage_in_the_letter(
    bot: RunningBot, enter: Enter
) -> None:
    post = bot.services.contents.campaign().post(tomorrow(bot).post_id)
    assert post is not None
    assert post.quote is not None
    page = enter("edna")

    page.get_by_role("link", name="Calendar", exact=True).click()
    page.get_by_role("link", name="Week", exact=True).click()
    page.locator(f'a[href="/posts/{post.id}"]').first.click()
    marked = page.locator("mark")
    expect(marked.first).to_contain_text(post.quote.text[:60])
    page.get_by_role("link", name="the whole text").click()

    expect(page).to_have_url(re.compile("#quoted$"))
    expect(page.locator("mark").first).to_be_in_viewport()


def test_a_second_person_s_approval_completes_it_and_an_edit_voids_it_visibly(
    bot: RunningBot, enter: Enter
) -> None:
    row = tomorrow(bot)
    bot.approve(row.post_id, by=["anna"])
    page = enter("ben", f"/posts/{row.post_id}")
    expect(page.locator(".big")).to_have_text("1 of 2")

    page.get_by_label("Note").fill("Read against the letter.")
    page.get_by_role("button", name="Approve what is shown").click()

    expect(page.get_by_role("status")).to_contain_text("Approved")
    page.get_by_role("status").get_by_role("link", name="See it").click()
    expect(page.locator(".big")).to_have_text("2 of 2")
    assert bot.store.audit.rows(limit=1)[0].verb == "approve"

    post = bot.services.contents.campaign().post(row.post_id)
    assert post is not None
    bot.tree.change(
        post.place.file, f"id: {post.id}\n", f'id: {post.id}\n    text: "We said so."\n'
    )
    plan(bot)
    page.reload()

    expect(page.locator(".big")).to_have_text("0 of 2")
    expect(page.get_by_text("that approval no longer counts").first).to_be_visible()
    expect(page.locator(".diff ins").first).to_contain_text("We said so.")


def test_nobody_approves_what_changed_after_they_read_it(bot: RunningBot, enter: Enter) -> None:
    row = tomorrow(bot)
    page = enter("ben", f"/posts/{row.post_id}")
    post = bot.services.contents.campaign().post(row.post_id)
    assert post is not None
    bot.tree.change(post.place.file, f"id: {post.id}\n", f'id: {post.id}\n    text: "Changed."\n')
    plan(bot)

    page.get_by_role("button", name="Approve what is shown").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("That could not be done")
    assert bot.store.approvals.standing(post_id=row.post_id) == ()


def test_an_editor_pauses_everything_and_only_an_operator_resumes(
    bot: RunningBot, enter: Enter
) -> None:
    editor = enter("edna")

    editor.get_by_label("Reason").fill("News from Ürümchi")
    editor.get_by_role("button", name="Pause everything").click()

    expect(editor.get_by_text("Sending is paused by edna")).to_be_visible()
    expect(editor.get_by_role("button", name="Resume sending")).to_have_count(0)
    assert bot.store.pauses.current() is not None
    bot.approve(tomorrow(bot).post_id, by=APPROVERS)
    bot.wait(START + timedelta(days=2))
    assert not bot.store.outbox.find(states={State.SENT})

    operator = enter("olga")  # a session would have ended meanwhile
    operator.get_by_label("Why it can go on").fill("It was a rumour")
    operator.get_by_role("button", name="Resume sending").click()

    expect(operator.get_by_text("Sending goes on")).to_be_visible()
    assert bot.store.pauses.current() is None
    bot.wait(START + timedelta(days=2, minutes=20))
    assert not bot.store.outbox.find(states={State.SENT})
    operator.get_by_role("link", name=re.compile("^Held")).click()
    expect(operator.get_by_text("Sending was paused at its time").first).to_be_visible()


def test_an_editor_pauses_a_part_until_a_time_and_only_who_may_is_offered_its_end(
    bot: RunningBot, enter: Enter
) -> None:
    editor = enter("edna")
    editor.get_by_text("Only a part, or until a time").click()
    editor.get_by_label("What", exact=True).select_option("theme families")
    editor.get_by_label("Until").fill("2027-01-04T09:00")
    editor.get_by_label("Why").fill("A family asks for it")
    editor.get_by_role("button", name="Pause this").click()

    banner = editor.get_by_text("Paused: theme families, by edna since")
    expect(banner).to_contain_text("until 4 Jan 2027 09:00")
    expect(editor.get_by_role("link", name="Resume")).to_have_count(0)
    expect(editor.get_by_role("button", name="Resume theme families")).to_have_count(0)
    expect(editor.get_by_role("button", name="Pause everything")).to_be_visible()
    (paused,) = bot.store.pauses.lasting()
    assert (str(paused.target), paused.by) == ("theme families", "edna")
    editor.goto(f"{bot.origin}/calendar?view=list&kind=paused")
    expect(editor.locator(".calendar-entry").first).to_contain_text("paused")

    operator = enter("olga")
    operator.get_by_role("link", name="Resume").click()
    operator.get_by_role("button", name="Resume theme families").click()

    expect(operator.get_by_text("Sending goes on")).to_be_visible()
    assert bot.store.pauses.lasting() == ()


def published_by_hand(bot: RunningBot, row: Delivery) -> str:
    """Let somebody publish the same on the account; return where it is."""
    platform = bot.services.publisher.platform(row.account)
    draft = platform.prepare(
        row.status, key="by hand", at=bot.clock.now(), reply_to=None, pictures=lambda _picture: b""
    )
    return platform.publish(draft).url


def test_an_operator_settles_a_held_post_with_its_address(bot: RunningBot, enter: Enter) -> None:
    row = next(one for one in planned(bot) if one.platform == "mastodon")
    bot.approve(row.post_id, by=APPROVERS)
    bot.clock.advance(due(row) - bot.clock.now())
    lose(bot, row)
    address = published_by_hand(bot, row)
    page = enter("olga", "/held")
    case = page.locator(f"#d-{row.id[:8]}")
    expect(case).to_contain_text("not among them")

    case.get_by_label("It is out already, at this address").check()
    case.get_by_label("Address where it is out").fill(address)
    case.get_by_label("Why").fill("Seen on the account")
    case.get_by_role("button", name="Decide").click()

    expect(page.get_by_text("Nothing waits for a person")).to_be_visible()
    settled = bot.store.outbox.get(row.id)
    assert settled is not None
    assert (settled.state, settled.url) == (State.SENT, address)
    assert bot.store.audit.rows(limit=1)[0].who == "olga"


def test_an_editor_sees_every_problem_by_line_and_the_post_once_it_is_mended(
    bot: RunningBot, enter: Enter, tmp_path: Path
) -> None:
    page = enter("edna", "/check")
    text = (
        "posts:\n"
        "  - id: mended\n"
        "    quote:\n"
        "      source: letter\n"
        "      text: 'WORDS'\n"
        "    theme: families\n"
        "    at: 2027-01-05 09:00\n"
        "    author: edna\n"
    )
    wrong = "The people we speak of are our mothers and our fathers"
    right = "The people we speak of are our mothers and fathers"

    page.get_by_label("YAML of a new file").fill(text.replace("WORDS", wrong))
    page.get_by_role("button", name="Check it").click()
    expect(page.locator(".problems li").first).to_contain_text("line 5")
    expect(page.locator(".problems li").first).to_contain_text("mothers and fathers")

    page.get_by_label("YAML of a new file").fill(text.replace("WORDS", right))
    page.get_by_role("button", name="Check it").click()

    expect(page.get_by_role("heading", name="No problem in this file")).to_be_visible()
    expect(page.get_by_label("mended on Bluesky").locator(".words")).to_contain_text(right)
    assert bot.services.contents.campaign().post("mended") is None

    file = tmp_path / "draft.yaml"
    file.write_text("posts:\n  - id: a\n    txt: hello\n", encoding="utf-8")
    page.get_by_label("or a file from your machine").set_input_files(file)
    page.get_by_role("button", name="Check it").click()
    expect(page.locator(".problems")).to_contain_text("txt")


def sent_post(bot: RunningBot) -> str:
    row = tomorrow(bot)
    bot.approve(row.post_id, by=APPROVERS)
    bot.wait(due(row) + timedelta(minutes=1))
    return row.post_id


def test_a_correction_is_written_approved_and_sent_as_its_own_post(
    bot: RunningBot, enter: Enter
) -> None:
    post = sent_post(bot)
    anna, ben = enter("anna", f"/posts/{post}"), enter("ben")
    anna.get_by_text("Correct it").click()
    anna.get_by_label("What is right").fill("The letter has four signatories.")
    anna.get_by_label("What was wrong").first.fill("We named three.")
    anna.get_by_role("button", name="Write the correction").click()
    expect(anna.get_by_text("You wrote it; somebody else must approve it.")).to_be_visible()
    expect(anna.locator(".words").first).to_contain_text("Correction (2 December 2026)")

    bot.approve(f"correction-1-of-{post}", by=["olga"])
    ben.goto(f"{bot.origin}/posts/correction-1-of-{post}")
    ben.get_by_role("button", name="Approve what is shown").click()
    expect(ben.get_by_role("status")).to_contain_text("Approved")
    bot.wait(bot.clock.now() + timedelta(minutes=1))

    sent = bot.store.outbox.find(post_id=f"correction-1-of-{post}")
    assert {row.state for row in sent} == {State.SENT}
    ben.goto(f"{bot.origin}/corrections")
    expect(ben.get_by_text("We named three.")).to_be_visible()


def test_a_retraction_deletes_everywhere_and_says_what_is_left(
    bot: RunningBot, enter: Enter
) -> None:
    post = sent_post(bot)
    page = enter("ben", f"/posts/{post}")

    page.get_by_text("Retract it").click()
    page.get_by_label("What was wrong").last.fill("It named a person.")
    page.get_by_label("Delete it everywhere now").check()
    page.get_by_role("button", name="Retract").click()

    expect(page.get_by_role("heading", name=re.compile("^Retraction"))).to_be_visible()
    states = {row.state for row in bot.store.outbox.find(post_id=post) if row.sent_at}
    assert states == {State.RETRACTED}


def test_what_others_took_down_goes_before_the_approvers_for_other_accounts(
    bot: RunningBot, enter: Enter
) -> None:
    lines = "accounts: [coalition-mastodon]", "author: edna"
    at = bot.clock.now() + timedelta(hours=1)
    written = post("gone", *lines, at=at, words="Four organisations signed it in 2022.")
    bot.tree.put("posts/gone.yaml", f"posts:\n{written}")
    plan(bot)
    bot.approve("gone", by=APPROVERS)
    bot.wait(at + timedelta(minutes=1))
    [row] = bot.store.outbox.find(post_id="gone", states={State.SENT})
    bot.store.outbox.move(row.id, Event.REMOTE_DELETED, now=bot.clock.now(), actor="collector")
    page = enter("ben", "/posts/gone")
    page.set_viewport_size({"width": 390, "height": 800})

    page.get_by_text("Send it from other accounts").click()
    page.get_by_label("coalition-bluesky").check()
    page.get_by_label("Why it goes out again").fill("The network deleted it.")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Put it before the approvers").click()

    expect(page.get_by_role("status")).to_contain_text("It waits for the approvers")
    expect(page.locator(".big")).to_have_text("0 of 2")
    rows = bot.store.outbox.find(post_id="republication-1-of-gone")
    assert [row.account for row in rows] == ["coalition-bluesky"]


PAYLOADS = (
    "<script>alert(1)</script>", "<img src=https://evil.example/x onerror=alert(1)>",
    "\"><svg onload=alert(1)>", "' onmouseover='alert(1)", "</bdi></p><iframe src=//evil.example>",
    "<a href=javascript:alert(1)>x</a>", "{{7*7}}", "{% raw %}", "<style>*{display:none}</style>",
    "<base href=https://evil.example/>", "<meta http-equiv=refresh content=0;url=//evil.example>",
    "\u202egnp.exe", "<form action=https://evil.example><button>Sign in</button></form>",
    "]]><!--", "&lt;script&gt;", "<math><mi//xlink:href=\"data:x,<script>alert(1)</script>\">",
    "<link rel=stylesheet href=https://evil.example/x.css>", "<details open ontoggle=alert(1)>",
)  # fmt: skip


def test_no_words_of_others_become_part_of_a_page(bot: RunningBot, enter: Enter) -> None:
    words = "\n".join(PAYLOADS)
    row = next(one for one in planned(bot) if one.platform == "mastodon")
    bot.approve(row.post_id, by=APPROVERS)
    bot.clock.advance(due(row) - bot.clock.now())
    lose(bot, row, words)
    bot.store.workers.beat(
        "two/1", {"worker": "two/1", "machine": "two", "files": words}, bot.clock.now()
    )
    bot.store.accounts.stop("coalition-x", StopReason.UNFIT, words, now=bot.clock.now())
    page = enter("ben")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    # A form refuses what nobody sees; the rest of it is somebody's reason.
    page.get_by_label("Reason").fill(" ".join(filter(str.isprintable, PAYLOADS))[:480])
    page.get_by_role("button", name="Pause everything").click()
    expect(page.get_by_text("Sending is paused by ben")).to_be_visible()

    for address in ("/", "/held", "/log", "/accounts", f"/posts/{row.post_id}", "/check"):
        page.goto(bot.origin + address)
        found = page.evaluate(HOSTILE)
        assert found == [], address
        assert address in {"/check", f"/posts/{row.post_id}"} or "alert(1)" in page.content()

    assert all(url.startswith((bot.origin, "data:")) for url in asked)


#: Elements and attributes that no template of ours has.
HOSTILE = """
[...document.querySelectorAll('*')].flatMap(one => [
  ...(one.matches('script, iframe, base, style, math, object') ? [one.tagName] : []),
  ...[...one.attributes].filter(a => a.name.startsWith('on') || /^javascript:/i.test(a.value)
    || (a.name !== 'href' && /evil\\.example/.test(a.value))).map(a => a.name),
])
"""
