"""What servers, forms and files say, followed to every place where somebody reads it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from time import process_time

import pytest

from bot import visible
from bot.app.content import prove_tree
from bot.authority.audit import first_break
from bot.authority.pauses import PauseState
from bot.authority.tables import StopReason
from bot.authority.users import Role
from bot.cli.main import run
from bot.content.files import FolderTree
from bot.delivery.lifecycle import Event
from bot.engagement.export import cell, export
from bot.errors import UnavailableError
from bot.log import configure, get_logger
from bot.operations.channels import Alert, channels_of
from bot.planning.outlook import as_calendar, outlook_of
from bot.platforms.base import Profile
from bot.platforms.http.exchange import Exchange, classify
from bot.platforms.mastodon.api import ref_of
from tests.attacks.attack import Attacker, attack
from tests.fakes.browser import PASSWORD
from tests.fakes.running_bot import NINE, RunningBot, post, small_campaign
from tests.fakes.shipped import lose, planned, serving
from tests.fakes.smtp import MailServer

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

#: A terminal's escape in seven and in eight bits, a bell, marks that turn the reading order, what
#: nobody sees, line breaks of all kinds before what looks like a row, and what pages would run.
LIVE = "<img src=x onerror=alert(1)>"
FORGED = "ok    m: all is well"
EVIL = f"no\x1b[2J\x9b31m\x07\u202e\u2066\u200b\u2060\u00ad\U000e0041\u2028\r\n{FORGED}\n{LIVE}"
MARKS = "\u0315\u0300" * 40_000
_NAMES = ("a terminal's escapes", "line breaks", "marks that turn text round", "unseen characters")


def assert_harmless(text: str) -> None:
    """Nothing in it is unseen or acts on a reader, and no line of it was forged."""
    assert visible.block(text) == text
    assert not [line for line in text.splitlines() if line.startswith(FORGED)]


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    """Return a bot in whose database every text that is somebody else's is hostile."""
    bot = RunningBot(tmp_path_factory.mktemp("bot"))
    bot.start_approved(post("one", at=NINE), post("two"))
    bot.clock.advance(NINE - bot.clock.now())
    now, store = bot.clock.now(), bot.store
    lose(bot, next(row for row in planned(bot) if row.post_id == "one"), evidence=EVIL)
    store.accounts.stop("m", next(iter(StopReason)), EVIL, now)
    store.pauses.pause(PauseState(EVIL, EVIL, now))
    store.audit.write(EVIL, "pause", EVIL, why=EVIL, detail={EVIL: [EVIL]}, now=now)
    store.outbox.move(planned(bot)[0].id, Event.CANCEL, now=now, actor=EVIL, detail=EVIL)
    yield bot
    bot.stop()


@attack(
    Attacker.GIT,
    tried="a text or a picture's name with so many marks on one letter, or so many quotation marks "
    "that nothing closes, that to check it takes minutes, in which the process does nothing else",
    comes_of_it="refused at its line; marks within marks are followed forty deep",
)
@pytest.mark.parametrize("line", ['text: "{}"', "text: x\n    media: [{{file: media/{}, alt: x}}]"])
def test_no_file_keeps_the_process_busy(tmp_path: Path, line: str) -> None:
    tree, begun = small_campaign(tmp_path), process_time()
    tree.put("posts/main.yaml", f"posts:\n  - id: one\n    {line}\n".format("a" + MARKS))
    tree.put("posts/other.yaml", "posts:\n" + post("two", words="a " + "\u201c" * 20_000))

    told = prove_tree(FolderTree(tree.schedule, tree.posts)).problems

    assert {each.rule for each in told} & {"character", "picture-file"}
    assert {each.rule for each in told if each.file.endswith("other.yaml")} >= {"quote-altered"}
    assert process_time() - begun < 8


@attack(
    Attacker.SERVER,
    tried=f"{', '.join(_NAMES)} in answers, evidence, reasons and names, read in a terminal",
    comes_of_it="each shows as an escape; a further line stands indented, so no row is forged",
)
@pytest.mark.parametrize(
    "verb",
    ["held", "status", "deliveries", "audit show", "plan", "corrections", "doctor --no-ask",
     "digest --print", "engagement", "report --from 2026-01-01 --to 2027-12-31", "check"],
)  # fmt: skip
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_no_verb_prints_what_acts_on_a_terminal(
    bot: RunningBot, capsys: pytest.CaptureFixture[str], verb: str, form: list[str]
) -> None:
    run([*verb.split(), *bot.places, *form])

    printed = capsys.readouterr()
    assert_harmless(printed.out)
    assert_harmless(printed.err)
    if form and printed.out:
        json.loads(printed.out)


@attack(
    Attacker.SERVER,
    tried="escapes in the name of an account and of a server, which `doctor` and `login` show",
    comes_of_it="they are escaped where the answer is read",
)
def test_a_profile_has_no_live_name() -> None:
    profile = Profile(EVIL, EVIL, True, server=EVIL)

    for text in (profile.id, profile.handle, profile.server):
        assert visible.line(text) == text


@attack(
    Attacker.SERVER,
    tried="escapes, line breaks and HTML in the words of an error answer",
    comes_of_it="one line of at most 200 characters, escaped before anything stores it",
)
def test_an_error_of_a_server_is_one_harmless_line() -> None:
    exchange = Exchange(is_started=True, is_sent=True)
    exchange.answered(500, {})
    exchange.read(json.dumps({"error": EVIL, "message": EVIL}).encode())

    error = classify("mastodon", exchange, ValueError(), writing=False, refusals=frozenset())

    assert visible.line(error) == str(error)
    assert visible.line(str(UnavailableError("x", EVIL))) == str(UnavailableError("x", EVIL))


@attack(
    Attacker.SERVER,
    tried="escapes in the id or the address of a status, which people copy and open",
    comes_of_it="such an id is no receipt (the status is read back); the address is escaped",
)
def test_a_receipt_has_no_unseen_character() -> None:
    with pytest.raises(TypeError):
        ref_of({"id": "1\x1b[2J"})

    address = ref_of({"id": 7, "url": f"https://m.example/{EVIL}"}).url
    assert visible.line(address) == address


@attack(
    Attacker.SERVER,
    tried="HTML and escapes in an error, to be live in alert mail",
    comes_of_it="mail is text; where an address asks for HTML, it is text escaped",
)
@pytest.mark.parametrize("form", ["", "&format=html"])
def test_alert_mail_is_text(form: str) -> None:
    with MailServer() as mail:
        alert = Alert(f"x\r\nBcc: evil@b.example {EVIL}", EVIL)
        channels_of((f"{mail.address}{form}",)).send(alert)

        (message,) = mail.messages

    parts = [part for part in message.walk() if not part.is_multipart()]
    texts = {part.get_content_type(): part.get_content().replace("\r\n", "\n") for part in parts}
    assert_harmless(texts["text/plain"].replace(f"\n{FORGED}", ""))
    assert "<img" not in texts.get("text/html", "")
    assert message["Bcc"] is None
    assert visible.line(message["Subject"]) == message["Subject"]


@attack(
    Attacker.SERVER,
    tried="HTML and escapes in the weekly digest",
    comes_of_it="mail is text; the page in it escapes everything",
)
def test_the_digest_is_text(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("<p>", encoding="utf-8")
    with MailServer() as mail:
        assert channels_of((mail.address,)).send(Alert("week", EVIL, file=file))

        (message,) = mail.messages

    (text, page) = [part for part in message.walk() if not part.is_multipart()]
    assert text.get_content_type() == "text/plain"
    words = text.get_content().replace("\r\n", "\n")
    assert visible.block(words) == words
    assert page.get_content_disposition() == "attachment"


@attack(
    Attacker.SERVER,
    tried="HTML, escapes and marks that turn text round, on the pages of the desk",
    comes_of_it="HTML is escaped, and so is what nobody sees",
)
def test_no_page_of_the_desk_shows_what_is_live_or_unseen(bot: RunningBot) -> None:
    bot.dashboard.access.add("ben", frozenset({Role.OPERATOR}), PASSWORD, by="test")
    with serving(bot):
        browser = bot.browser()
        browser.sign_in("ben", PASSWORD)
        pages = {
            path: browser.get(path)
            for path in ("/", "/held", "/log", "/accounts", "/calendar", "/posts/one",
                         "/engagement", "/report?from=2026-01-01&to=2027-12-31",
                         "/corrections", "/corrections.json")
        }  # fmt: skip

    for path, answer in pages.items():
        assert answer.status == 200, path
        assert "<img src=x" not in answer.text, path
        assert visible.block(answer.text) == answer.text, path


@attack(
    Attacker.VISITOR,
    tried="control, bidi and unseen characters in forms, queries and addresses",
    comes_of_it="400, with the character's name",
)
@pytest.mark.parametrize("char", ["\x1b", "\x9b", "\u202e", "\u2066", "\u200b", "\u00ad", "\ufeff"])
def test_a_form_refuses_what_nobody_sees(bot: RunningBot, char: str) -> None:
    with serving(bot):
        browser = bot.browser()
        browser.get("/login")
        answer = browser.post("/login", {"name": f"be{char}n", "password": PASSWORD})

    assert answer.status == 400
    assert f"U+{ord(char):04X}" in answer.text


@attack(
    Attacker.APPROVER,
    tried="line breaks in a name or a reason, to forge a row of the audit log",
    comes_of_it="a row's words are one line, written with escapes; the chain holds",
)
def test_no_row_of_the_audit_log_is_forged(
    bot: RunningBot, capsys: pytest.CaptureFixture[str]
) -> None:
    row = bot.store.audit.rows(limit=1)[0]

    for text in (row.who, row.subject, row.why, *row.detail):
        assert visible.line(text) == text
    assert first_break(bot.store.audit.raw()) is None


@attack(
    Attacker.VISITOR,
    tried="line breaks and escapes in what is logged, to forge a record",
    comes_of_it="one record a line, escaped, also of exceptions",
)
@pytest.mark.parametrize("form", ["json", "console"])
def test_no_record_of_the_log_is_forged(
    form: str, capsys: pytest.CaptureFixture[str], handlers: None
) -> None:
    configure(form="json" if form == "json" else "console")

    get_logger("bot").error(EVIL, **{EVIL.replace(" ", ""): EVIL})

    assert_harmless(capsys.readouterr().err)


@pytest.fixture
def handlers() -> Iterator[None]:
    import logging

    before = logging.getLogger().handlers[:]
    yield
    logging.getLogger().handlers[:] = before


FORMULAS = {
    "plain": "=cmd|' /C calc'!A0",
    "plus": "+1+1",
    "minus": "-2+3",
    "at": "@SUM(1)",
    "tab": "\t=1+1",
    "return": "\r=1+1",
    "line": "\n=1+1",
    "space": "  =1+1",
    "no-break": "\u00a0=1+1",
    "mark": "\ufeff=1+1",
    "unseen": "\u200b=1+1",
    "quoted": '"=1+1"',
    "quoted-twice": "'=1+1",
    "wide-equals": "＝1+1",
    "wide-plus": "＋1+1",
    "wide-minus": "－1+1",
    "wide-at": "＠SUM(1)",
    "small-equals": "﹦1+1",
    "minus-sign": "−1+1",
    "second-line": "Hello\n=1+1",
    "second-line-wide": "Hello\r\n ＝1+1",
    "semicolon": "Hello;=1+1",
    "comma": "Hello, @SUM(1)",
    "pipe": "Hello|+1",
}


@attack(
    Attacker.EDITOR,
    tried="a spreadsheet's formula in a text or a name: after line breaks, spaces, quotation "
    "marks, unseen characters or a separator, full-width and small forms too",
    comes_of_it="an apostrophe stands before it in CSV; JSON Lines has the text unchanged",
)
@pytest.mark.parametrize("text", FORMULAS.values(), ids=FORMULAS)
def test_no_cell_begins_a_formula(text: str) -> None:
    guarded = str(cell(text))

    assert not re.search(r"(^|[\n\t\r;,|])[\s\"\ufeff\u200b]*[=+@＝＋－＠﹦−-]", guarded)
    assert "'" in guarded or guarded.startswith("\\u")


@attack(
    Attacker.SERVER,
    tried="formulas, escapes and line breaks in the tables of `export`",
    comes_of_it="every cell of CSV is guarded and visible",
)
def test_the_exported_tables_are_harmless(bot: RunningBot, tmp_path: Path) -> None:
    export(bot.store, tmp_path / "out")

    for file in (tmp_path / "out").glob("*.csv"):
        for row in csv.reader(file.read_text(encoding="utf-8").splitlines(keepends=True)):
            assert all(cell(value) == value for value in row)


@attack(
    Attacker.SERVER,
    tried="line breaks in a reason, to add an entry to the calendar feed",
    comes_of_it="they are escaped; the feed has the entries of the plan and no other",
)
def test_the_calendar_feed_is_harmless(bot: RunningBot) -> None:
    outlook = outlook_of(bot.store, bot.clock, bot.services.contents.rendered, days=7)

    feed = as_calendar(outlook).decode().replace("\r\n", "\n")

    assert visible.block(feed) == feed
    assert feed.count("BEGIN:VEVENT") == len(outlook.entries)
