"""The report of a month: right sums, nothing of other months, signed by a person, on two sheets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from io import BytesIO
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from sqlalchemy import text

from bot.clock import FastClock
from bot.content.model import ReportWords
from bot.content.report_words import build_words, english, report_language, to_translate
from bot.content.shape import Problems
from bot.content.yamlfile import parse
from bot.delivery.lifecycle import Event
from bot.delivery.model import State
from bot.engagement import monthly_files
from bot.engagement.monthly import Period
from bot.engagement.monthly_text import CorrectedPost, PresentedMonth, monthly_lines
from bot.engagement.readings import Chosen
from bot.errors import DecisionError
from bot.operations.digest import monthly, sign_off
from bot.operations.opening import open_store
from bot.planning.store import Store
from bot.platforms.registry import PLATFORMS
from bot.platforms.spec import Charge
from bot.platforms.status import Metrics, Picture, Status
from bot.rendering.cards.card import CardText, draw
from bot.rendering.rendered import RenderedCampaign, render_campaign
from tests.conftest import ROOT
from tests.fakes.engaged import START, Engaged, engaged_campaign, sent, troubled
from tests.integration.store_rows import new_publication
from tools.sample_cards import UYGHUR_1

CLOCK = FastClock(START + timedelta(days=62))
DECEMBER, JANUARY = Period.of_month("2026-12"), Period.of_month("2027-01")


@pytest.fixture(scope="module")
def rendered() -> RenderedCampaign:
    specs = {name: kind.spec for name, kind in PLATFORMS.items()}
    return render_campaign(engaged_campaign(), specs=specs, limits={})


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Yield a store that is filled once: what a test adds to it changes no other month."""
    folder = tmp_path_factory.mktemp("monthly")
    store = open_store(f"sqlite:///{folder / 'live.db'}", create=True)
    Engaged(store).fill()
    list(troubled(store))
    store.ledger.reserve("coalition-x", Charge("post", 9), 0.015, now=START + timedelta(days=3))
    store.audit.write("anna", "retract", "post-02", why="=cmd|' /C calc'!A0",
                      now=START + timedelta(days=5))  # fmt: skip
    yield store
    store.close()


@pytest.fixture(scope="module")
def month(filled: Store, rendered: RenderedCampaign) -> PresentedMonth:
    return monthly(filled, CLOCK, rendered, DECEMBER)


#: Sentences that are headings.
CHAPTERS = {"best", "posts", "accounts", "passages", "investigations", "corrections", "cost",
            "missing", "how-to-read"}  # fmt: skip


def pseudo() -> ReportWords:
    """Return every sentence in letters of Uyghur; they mean nothing."""
    letters = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ابچدەفگھىجكلمنوپقرستۇۋۈخيز")
    words = {
        key: "".join(
            part if part.startswith("{") else part.lower().translate(letters)
            for part in re.split(r"(\{\w+\})", sentence)
        )
        for key, sentence in english().sentences.items()
    }
    return ReportWords("nobody: made-up", "ئۇيغۇرچە", words)


# -- days


def test_a_month_and_what_comes_before_it() -> None:
    assert Period(date(2026, 12, 1), date(2026, 12, 31)) == DECEMBER
    assert JANUARY.before == DECEMBER
    assert Period.of_month("2028-03").before.last == date(2028, 2, 29)
    assert Period.of_month("2000-02").before.first == date(2000, 1, 1)  # before the earliest one
    week = Period(date(2026, 12, 8), date(2026, 12, 14))
    assert week.before == Period(date(2026, 12, 1), date(2026, 12, 7))
    assert (DECEMBER.key, week.key) == ("2026-12", "2026-12-08..2026-12-14")


def test_a_month_follows_its_zone_over_a_change_of_clocks() -> None:
    begin, end = Period.of_month("2026-11").bounds(ZoneInfo("America/New_York"))

    assert end - begin == timedelta(days=30, hours=1)


@pytest.mark.parametrize("text", ["2026-13", "2026", "soon", "9999-12", "0001-01", "2026-12-01"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"far off|nvalid|month must"):
        Period.of_month(text)


# -- numbers


def test_sums_are_those_of_its_own_days(filled: Store, rendered: RenderedCampaign) -> None:
    zone = engaged_campaign().zone
    found = monthly(filled, CLOCK, rendered, JANUARY).figures

    for figures, name in ((found.now, "2027-01"), (found.before, "2026-12")):
        ours = [row for row in filled.readings.newest(999, Chosen(), "", only_blank=False)
                if f"{row.sent_at.astimezone(zone):%Y-%m}" == name]  # fmt: skip
        assert ours
        assert figures.posts == len({row.post_id for row in ours})
        assert figures.total("posts") == len(ours)
        assert figures.total("engagements") == sum(row.engagements or 0 for row in ours)
    assert found.now.cost == 0
    assert found.before.cost == pytest.approx(0.135)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/New_York"])
def test_figures_are_those_that_are_counted_by_hand(
    filled: Store, rendered: RenderedCampaign, zone: str
) -> None:
    schedule = replace(rendered.campaign.schedule, timezone=zone)
    whole = replace(rendered, campaign=replace(rendered.campaign, schedule=schedule))
    query = text(
        "SELECT d.id, d.account, d.sent_at, s.likes + s.reposts + s.replies, s.quotes,"
        " s.impressions FROM delivery d LEFT JOIN snapshot s ON s.delivery_id = d.id"
        " AND s.state = 'TAKEN' AND s.age_label <> '30d'"
        " WHERE d.sent_at IS NOT NULL ORDER BY s.due_at"
    )
    with filled._db.read() as connection:
        rows = connection.execute(query).all()
    by_hand: dict[tuple[str, str], dict[str, tuple[int | None, int | None]]] = {}
    for id_, account, sent_at, count, quotes, impressions in rows:
        local = datetime.fromtimestamp(sent_at / 1_000_000, ZoneInfo(zone))
        known = by_hand.setdefault((f"{local:%Y-%m}", account), {})
        # The last read that tells engagements is the one that counts.
        known.setdefault(id_, (None, None))
        if count is not None:
            known[id_] = count + (quotes or 0), impressions

    for name in ("2026-12", "2027-01", "2026-11"):
        for each in monthly(filled, CLOCK, whole, Period.of_month(name)).figures.now.accounts:
            posts = by_hand.get((name, each.name), {}).values()
            counts = [count for count, _shown in posts if count is not None]
            shown = [shown for _count, shown in posts if shown is not None]
            assert (each.posts, each.counted, each.shown) == (len(posts), len(counts), len(shown))
            assert each.engagements == (sum(counts) if counts else None)
            assert each.impressions == (sum(shown) if shown else None)


def test_impressions_of_some_posts_are_not_those_of_all(month: PresentedMonth) -> None:
    x, *others = month.figures.now.accounts
    half = replace(month.figures.now, accounts=(replace(x, posts=9, shown=4), *others))
    lacking = replace(month, figures=replace(month.figures, now=half))

    assert "coalition-x: posts whose impressions are known: 4 of 9." in list(lacking.missing)
    assert x.shown == x.posts
    assert not any("impressions are known" in line for line in month.missing)


def test_no_later_post_changes_the_report_of_a_month(
    filled: Store, rendered: RenderedCampaign
) -> None:
    before = monthly(filled, CLOCK, rendered, DECEMBER).sha256
    later = START + timedelta(days=70)
    sent(filled, new_publication(Status("Later."), id="later", due_at=later,
                                 account="coalition-x"), later)  # fmt: skip
    filled.snapshots.schedule("later", {"1h": later})
    filled.snapshots.put("later", "1h", taken_at=later, metrics=Metrics(9, 9, 9, impressions=99))

    assert monthly(filled, CLOCK, rendered, DECEMBER).sha256 == before


def test_what_is_missing_is_said_with_its_reason(filled: Store, rendered: RenderedCampaign) -> None:
    month = monthly(filled, CLOCK, rendered, Period.of_month("2027-02"))
    missing = "\n".join(month.missing)

    assert {row[3] for row in month.accounts.rows if row[0] == "coalition-mastodon"} == {"– (–)"}
    assert "The period is not over" in missing
    assert "coalition-x: reads of numbers: 1: the read failed (x: answered 503)." in missing
    assert "No longer out: post-99 (coalition-" in missing


def test_followers_are_added_up_only_where_all_accounts_are_known(month: PresentedMonth) -> None:
    x, *others = month.figures.now.accounts
    figures = replace(month.figures.now, accounts=(replace(x, followers=None), *others))

    assert month.figures.now.total("followers") == 9_247
    assert figures.total("followers") is None
    assert figures.total("engagements") == month.figures.now.total("engagements")


@pytest.mark.parametrize(
    ("name", "followers", "gained"),
    [("2026-12", 1_030, 30), ("2027-01", None, None), ("2026-11", 1_000, None)],
)
def test_followers_are_those_of_now_where_the_days_are_not_over(
    store: Store, rendered: RenderedCampaign, name: str, followers: int | None, gained: int | None
) -> None:
    clock = FastClock(datetime.fromisoformat("2026-12-15T12:00+00:00"))
    for day, count in (("2026-11-30", 1_000), ("2026-12-14", 1_030)):
        store.followers.put("coalition-x", count, datetime.fromisoformat(f"{day}T09:00+00:00"))

    (x, *_others) = monthly(store, clock, rendered, Period.of_month(name)).figures.now.accounts

    assert (x.followers, x.gained) == (followers, gained)


def test_each_of_the_best_posts_says_why_its_number_can_be_trusted(month: PresentedMonth) -> None:
    assert len(month.featured) == 5
    for row in month.featured:
        assert re.match(r"Counted 7 days after it went out; accounts: \d\.", row.reason)
        assert ("may be luck" in row.reason) is ("careful end" not in row.reason)
        assert all(address.startswith("https://") for _account, address in row.links)


def test_before_anything_went_out_nothing_is_claimed(
    store: Store, rendered: RenderedCampaign
) -> None:
    month = monthly(store, CLOCK, rendered, DECEMBER)

    text = "\n".join(monthly_lines(month))

    assert "engagements: –" in text
    assert "No post of this period has numbers." in monthly_files.page(month)
    with pytest.raises(DecisionError, match="nothing went out"):
        sign_off(store, CLOCK, month, by="anna")


# -- signed off


def test_a_signature_stands_for_what_the_report_said(
    filled: Store, rendered: RenderedCampaign
) -> None:
    sign_off(filled, CLOCK, monthly(filled, CLOCK, rendered, JANUARY), by="anna")
    assert "Signed off by anna" in monthly(filled, CLOCK, rendered, JANUARY).signature

    filled.followers.put("coalition-x", 5000, datetime.fromisoformat("2027-01-31T12:00+00:00"))

    changed = monthly(filled, CLOCK, rendered, JANUARY).signature
    assert "its numbers have changed since then" in changed


def test_a_month_that_is_not_over_cannot_be_signed(
    filled: Store, rendered: RenderedCampaign
) -> None:
    clock = FastClock(START + timedelta(days=10))

    with pytest.raises(DecisionError, match="is not over"):
        sign_off(filled, clock, monthly(filled, clock, rendered, DECEMBER), by="anna")


# -- as files


def test_the_page_loads_nothing_and_runs_nothing(month: PresentedMonth) -> None:
    page = monthly_files.page(month)

    assert "default-src 'none'" in page
    assert not re.search(r"<(script|link|iframe|object)|url\(|@import|srcset", page)
    assert not re.search(r'src="(?!data:image/)', page)


def test_no_cell_of_the_workbook_is_a_formula(month: PresentedMonth) -> None:
    book = openpyxl.load_workbook(BytesIO(monthly_files.workbook(month)))

    cells = [cell for sheet in book for row in sheet for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert "'=cmd|' /C calc'!A0" in {cell.value for cell in cells}


def test_it_prints_on_two_sheets_though_every_post_is_long(
    month: PresentedMonth, caplog: pytest.LogCaptureFixture
) -> None:
    text = "The people we speak of are our mothers and fathers, our neighbors and friends. " * 6
    picture = Picture("0" * 64, "image/png", "A quote card.", 1, 1, 70)
    status = Status(text[:480], pictures=(picture,))
    featured = tuple(
        replace(post, readings=tuple(replace(each, status=status) for each in post.readings))
        for post in month.figures.featured
    )
    scripts = Status(UYGHUR_1, lang="ug", warning="我们的父母")
    first = replace(featured[0].readings[0], status=scripts)
    featured = (replace(featured[0], readings=(first,)), *featured[1:])
    passages = month.figures.passages * 9
    corrections = [CorrectedPost(START, "correction", "post-01", "The year.", "It is 2022.")] * 9
    card = draw(CardText("“The people we speak of”", "Open letter, 9 December 2022"))
    full = PresentedMonth(
        replace(month.figures, featured=featured, passages=passages), corrections, None,
        lambda _sha256: card,
    )  # fmt: skip

    document = monthly_files.document(full)

    assert len(document.pages) == 2
    assert ".notdef" not in caplog.text, "a letter that our fonts do not have"
    assert f'<blockquote dir="rtl" lang="ug">{UYGHUR_1}' in monthly_files.page(full)


def test_every_sentence_is_used_and_every_use_has_a_sentence() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "bot").rglob("*")
               if path.name.startswith(("monthly", "report_words.py"))
               and path.suffix in {".py", ".j2"}]  # fmt: skip
    known, used = set(english().sentences), set[str]()
    for source in sources:
        used |= set(re.findall(r"""\b(?:words|w|self)\(\s*["']([\w-]+)["']""", source))
        used |= set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', source)) & known
    built = r"(month|age|blank|of|sheet|before|tile)-\w+|best|posts|number|\w+tion"
    built += "|before|gone|reads|signed"  # one of two, by what is known

    assert used <= known
    assert all(re.fullmatch(built, key) for key in known - used - CHAPTERS)


def test_a_report_in_a_right_to_left_language_is_all_of_it_in_that(
    filled: Store, rendered: RenderedCampaign, caplog: pytest.LogCaptureFixture
) -> None:
    campaign = replace(rendered.campaign, report_words={"ug": pseudo()})
    whole, ours = replace(rendered, campaign=campaign), english()
    month = monthly(filled, CLOCK, whole, DECEMBER, "ug")
    texts = [month.title, month.as_of, month.signature, *month.missing, *month.about_words]
    texts += [text for name, _value, before in month.tiles for text in (name, before)]
    html, document = monthly_files.page(month), monthly_files.document(month)
    book = openpyxl.load_workbook(BytesIO(monthly_files.workbook(month)))

    assert '<html lang="ug" dir="rtl">' in html
    assert all(re.search("[\u0600-\u06ff]", text) for text in texts)
    shown = re.sub(r"<[^>]*>", " ", html.partition("<body>")[2])
    for key in CHAPTERS - {"posts"}:
        assert month.words(key) in shown
    assert not [key for key, text in ours.sentences.items()
                if len(text) > 9 and "{" not in text and text in shown]  # fmt: skip
    assert ".notdef" not in caplog.text
    assert len(document.pages) == 2
    boxes = document.pages[0]._page_box.descendants()
    places = [
        box.position_x
        for box in boxes
        if box.element_tag == "dt" and type(box).__name__ == "BlockBox"
    ]
    assert places == sorted(places, reverse=True), "the first number is not at the right"
    assert book.sheetnames[1] == month.words("accounts")
    assert all(sheet.sheet_view.rightToLeft for sheet in book)
    assert month.sha256 == monthly(filled, CLOCK, rendered, DECEMBER).sha256
    assert month.words("words-by", name="nobody: made-up") in shown


def test_numbers_and_days_are_written_as_the_language_does() -> None:
    found = report_language({"fa": ReportWords("x", "فارسی", {"number": "۱٬۲۳۴٫۵"})}, "fa")
    french = report_language({"fr": ReportWords("x", "français", {"number": "1234,5"})}, "fr")

    assert (found.number(1067.25, 2), found.localized("–")) == ("۱٬۰۶۷٫۲۵", "–")
    assert (french.number(1067.5, 1), french.number(9)) == ("1067,5", "9")
    assert found.day(date(2026, 12, 9)) == "۹ December ۲۰۲۶"
    assert len(found.lacking) == len(english().sentences) - 1
    with pytest.raises(DecisionError, match="no words in 'de', only in: en, fa"):
        report_language({"fa": ReportWords("x", "فارسی", {})}, "de")


def test_the_file_to_translate_is_one_that_can_be_read_back() -> None:
    made = pseudo()
    raw = to_translate("ug", {"ug": made}).encode()
    problems = Problems()

    node, found = parse(raw, file="posts/reports/ug.yaml")

    assert found == []
    assert build_words({"posts/reports/ug.yaml": node}, problems) == {"ug": made}
    assert problems == []
    assert to_translate("ku", {}).count(": ''") == len(english().sentences) + 2


def test_paper_opens_no_file_and_no_address(
    month: PresentedMonth, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    images = '<img src="{}" alt="x">'
    wanted = ("http://127.0.0.1:1/a.png", "file:///etc/passwd", "verbatim-font:../../card.py")
    html = "".join(map(images.format, wanted))
    monkeypatch.setattr(monthly_files, "page", lambda _month: f"<title>x</title>{html}")

    monthly_files.document(month)

    for address in wanted:
        assert f"a report loads nothing: {address}" in caplog.text


def test_what_was_retracted_is_not_shown_once_more(
    filled: Store, rendered: RenderedCampaign
) -> None:
    best = monthly(filled, CLOCK, rendered, JANUARY).figures.featured[0]
    for row in filled.outbox.find(post_id=best.id, states={State.SENT}):
        filled.outbox.move(row.id, Event.RETRACT, now=CLOCK.now(), actor="anna")
    month = monthly(filled, CLOCK, rendered, JANUARY)

    assert best.id not in {post.id for post in month.figures.featured}
    assert month.figures.featured
    assert any(best.id in line for line in month.missing)
