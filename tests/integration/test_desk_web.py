"""The dashboard at the socket: who is answered, who may decide, and what nonsense gets."""

from __future__ import annotations

import random
import re
import socket
import string
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from markupsafe import escape

from bot.authority.audit import first_break
from bot.authority.users import RIGHTS
from bot.web.guard import POLICY
from bot.web.pages import calendar
from bot.web.rendering import words_of
from bot.web.request import PageRoute
from bot.web.routes import ROUTES
from tests.fakes.browser import PASSWORD, HttpBrowser
from tests.fakes.running_bot import RunningBot
from tests.fakes.shipped import (
    PEOPLE,
    add_people,
    open_played,
    open_shipped,
    serving,
)
from tests.waiting import PATIENCE

CHANGES = [door for door in ROUTES if door.method == "POST"]
PAGES = [door for door in ROUTES if door.method == "GET"]
FIELDS = {"reason": "x", "why": "x", "choice": "drop"}


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    with open_played(tmp_path_factory.mktemp("campaign")) as bot:
        yield bot


@pytest.fixture
def browser(bot: RunningBot) -> HttpBrowser:
    return bot.browser()


def path_of(door: PageRoute, bot: RunningBot) -> str:
    """Fill an address's places with what is there."""
    places = {"post": "open-air-prison", "source": "letter", "sha256": "0" * 64,
              "account": "coalition-x", "what": "test"}  # fmt: skip
    return re.sub(r"\{(\w+)\}", lambda name: places[name[1]], door.path)


def state_of(bot: RunningBot) -> object:
    # A refusal leaves a row, and nothing else.
    decided = [row.seq for row in bot.store.audit.rows() if row.verb != "refused"]
    return decided, [(row.id, row.state, row.fence) for row in bot.store.outbox.find()]


def test_every_answer_carries_the_headers(browser: HttpBrowser) -> None:
    for path in ("/login", "/style.css", "/nothing", "/", "/calendar.ics"):
        headers = browser.get(path).headers
        assert headers["content-security-policy"] == POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "server" not in headers


def test_the_cookie_cannot_be_read_or_sent_from_elsewhere(browser: HttpBrowser) -> None:
    cookie = browser.get("/login").headers["set-cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost:1", "", "a" * 300])
def test_no_other_name_is_answered(bot: RunningBot, browser: HttpBrowser, host: str) -> None:
    assert browser.get("/login", Host=host).status == 421


@pytest.mark.parametrize("door", PAGES, ids=lambda door: str(door.path))
def test_nobody_sees_a_page_without_signing_in(
    bot: RunningBot, browser: HttpBrowser, door: PageRoute
) -> None:
    answer = browser.get(path_of(door, bot))

    if door.right is None:
        assert answer.status in {200, 403}
        assert "open-air-prison" not in answer.text
    else:
        assert (answer.status, answer.headers["location"][:9]) == (303, "/login?to")


@pytest.mark.parametrize("door", CHANGES, ids=lambda door: str(door.path))
def test_no_change_comes_from_elsewhere_or_without_its_token(
    bot: RunningBot, browser: HttpBrowser, door: PageRoute
) -> None:
    path = path_of(door, bot)
    browser.get("/login")
    anonymous = browser.post(path, {"token": "0" * 64})
    browser.sign_in("ben")
    before = state_of(bot)
    token = browser.token

    answers = [
        browser.post(path, {"token": ""}),
        browser.post(path, {"token": "0" * 64}),
        browser.post(path, {"token": token}, Origin="https://evil.example"),
        browser.post(path, {"token": token}, **{"Sec-Fetch-Site": "cross-site"}),
        browser.post(path, {"token": token}, **{"Sec-Fetch-Site": "same-site"}),
        browser.ask("POST", path, f"token={token}".encode()),
        browser.ask("PUT", path, b""),
        browser.ask("DELETE", path),
    ]

    assert anonymous.status in {401, 403}
    assert all(400 <= answer.status < 500 for answer in answers)
    assert state_of(bot) == before


@pytest.mark.parametrize("name", PEOPLE)
def test_nobody_decides_beyond_their_roles(
    bot: RunningBot, browser: HttpBrowser, name: str
) -> None:
    rights = {right for role in PEOPLE[name] for right in RIGHTS[role]}
    beyond = [door for door in CHANGES if door.right is not None and door.right not in rights]
    browser.sign_in(name)
    signed_in, before = (browser.cookie, browser.token), state_of(bot)
    told = {}
    for door in beyond:
        browser.cookie, browser.token = signed_in
        told[door.path] = browser.post(path_of(door, bot), FIELDS).status

    assert told == {door.path: 403 for door in beyond}
    assert state_of(bot) == before


def test_a_browser_that_hides_its_origin_is_known_and_a_calendar_program_by_its_address(
    bot: RunningBot, browser: HttpBrowser
) -> None:
    browser.sign_in("vera")

    hidden = browser.post("/calendar/address", {}, Origin="null")
    address = re.search(r'value="(/calendar[^"]+)"', hidden.text)

    assert hidden.status == 200
    assert address
    assert bot.browser().get(address[1]).text.count("BEGIN:VEVENT") > 10
    assert bot.browser().get(address[1][:-2]).status == 403


def test_a_viewer_is_offered_no_decision(bot: RunningBot, browser: HttpBrowser) -> None:
    browser.sign_in("vera")

    for path in ("/", "/held", "/posts/open-air-prison", "/accounts", "/log"):
        main = browser.get(path).text.partition("<main")[2].partition("</main>")[0]
        assert main
        assert not re.search(r"<form[^>]*method=.?post", main)


def test_each_decision_is_one_row_that_says_who(bot: RunningBot, browser: HttpBrowser) -> None:
    browser.sign_in("olga")
    before = bot.store.audit.head()[0]

    paused = browser.post("/pause", {"reason": "a rumour"})
    again = browser.post("/pause", {"reason": "twice"})
    resumed = browser.post("/resume", {"reason": "it was wrong"})

    rows = bot.store.audit.rows(limit=2)
    assert [paused.status, again.status, resumed.status] == [303, 409, 303]
    assert bot.store.audit.head()[0] == before + 2
    assert [(row.who, row.verb, row.why) for row in reversed(rows)] == [
        ("olga", "pause", "a rumour"),
        ("olga", "resume", "it was wrong"),
    ]
    assert first_break(bot.store.audit.raw()) is None


def test_sign_ins_have_a_page_and_posts_their_words(bot: RunningBot, browser: HttpBrowser) -> None:
    browser.sign_in("anna")
    browser.post("/login", {"name": "vera", "password": "wrong"})

    log, sign_ins = (browser.get(path).text for path in ("/log?verb=approve", "/sign-ins"))

    assert "sign in</option>" not in browser.get("/log").text
    assert "<td>signed in</td>" in sign_ins
    assert "approve" not in sign_ins
    approval = next(row for row in bot.store.audit.rows() if row.verb == "approve")
    post = bot.services.contents.campaign().post(approval.subject)
    assert post is not None
    first = words_of(post)[:20]
    assert f">{escape(first)}" in log
    assert f'<small class="dim"><bdi>{post.id}</bdi></small>' in log


def test_weekday_and_zone_are_told_once_a_page(browser: HttpBrowser) -> None:
    browser.sign_in("anna")

    for path in ("/", "/log", "/accounts", "/held"):
        shown = re.sub(r"<[^>]*>", "", browser.get(path).text)
        assert len(re.findall(r"\d\d:\d\d E[SD]T", shown)) == 1, path
        assert "All times are in America/New_York" in shown


def test_the_page_of_the_log_names_what_the_log_does_not_confirm(
    bot: RunningBot, browser: HttpBrowser
) -> None:
    browser.sign_in("olga")
    whole = browser.get("/log").text
    roles = {user.name: user.roles for user in bot.store.users.all()}["vera"]
    bot.store.users.change("vera", roles=frozenset({"operator"}))

    changed = browser.get("/log").text

    bot.store.users.change("vera", roles=roles)
    assert "Unbroken" in whole
    assert "the log does not confirm the user vera as they are" in changed


def test_a_session_gets_a_new_id_and_ends_for_good(bot: RunningBot, browser: HttpBrowser) -> None:
    browser.get("/login")
    planted = browser.cookie
    browser.sign_in("vera")
    signed_in = browser.cookie

    browser.post("/logout")
    browser.cookie = signed_in

    assert signed_in != planted
    assert browser.get("/held").status == 303


def test_signing_in_leads_to_pages_of_ours_only(bot: RunningBot, browser: HttpBrowser) -> None:
    for to in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:1"):
        browser.cookie = ""
        browser.get("/login")
        fields = {"name": "vera", "password": PASSWORD, "to": to}
        answer = browser.post("/login", fields)

        assert answer.headers["location"] == "/"


def test_a_huge_or_look_alike_sign_in_is_refused(bot: RunningBot, browser: HttpBrowser) -> None:
    browser.get("/login")

    huge = browser.post("/login", {"name": "vera", "password": "x" * 60_000})
    larger = browser.post("/login", {"name": "vera", "password": "x" * 10_000_000})
    look_alike = browser.post("/login", {"name": "v\u0435ra", "password": PASSWORD})

    assert (huge.status, larger.status, look_alike.status) == (413, 413, 403)


# --- nonsense (reliability.md section 7, rows 31 and 32) ------------------------------------

NONSENSE = [
    "", "0", "-1", "999999999999999999999", "NaN", "1e9", "x" * 5_000, "\x00", "a\x00b",
    "\r\nX: y",
    "<script>alert(1)</script>", "'; DROP TABLE delivery; --", "../../etc/passwd", "%00", "%ff%fe",
    "٣", "\u202e", "\ud7ff", "2026-13-45", "0001-01-01", "9999-12-31", "null",
    "[]", "{}", "🙂" * 50, "month", "local", "send", "drop", "retry",
]  # fmt: skip
NAMES = ["view", "clock", "day", "account", "kind", "theme", "page", "who", "verb", "file", "post",
         "key", "to", "done", "by", "period", "reason", "why", "choice", "address", "note",
         "fingerprint", "text", "delete", "sure", "name", "password", "token"]  # fmt: skip


def nonsense_paths(draw: random.Random, bot: RunningBot, count: int) -> Iterator[tuple[str, str]]:
    for _turn in range(count):
        door = draw.choice(ROUTES)
        path = re.sub(
            r"\{\w+\}",
            lambda _name: quote(draw.choice([*NONSENSE, "open-air-prison"]), safe=""),
            door.path,
        )
        if draw.random() < 0.4:
            path = path_of(door, bot)
        names = draw.choices(NAMES, k=draw.randrange(4))
        pairs = [(name, draw.choice(NONSENSE)) for name in names]
        yield door.method, path + ("?" + urlencode(pairs) if pairs else "")


@pytest.mark.parametrize(
    ("seed", "count"), [(31, 140), pytest.param(32, 560, marks=pytest.mark.deep)]
)
def test_no_nonsense_makes_a_page_fail_or_changes_anything(
    bot: RunningBot, browser: HttpBrowser, seed: int, count: int
) -> None:
    draw = random.Random(seed)  # noqa: S311 - the same nonsense each time
    browser.sign_in("vera")  # may look everywhere, and decide nothing
    signed_in, before = browser.cookie, state_of(bot)
    met: dict[int, int] = {}
    for method, path in nonsense_paths(draw, bot, count):
        browser.cookie = signed_in
        if method == "GET":
            answer = browser.get(path)
        else:
            wanted = draw.choices(NAMES, k=3)
            fields = {name: draw.choice(NONSENSE) for name in wanted if name != "token"}
            if path.startswith(("/logout", "/calendar/address", "/me/")):
                fields["token"] = "wrong"
            answer = browser.post(path, fields)
        met[answer.status] = met.get(answer.status, 0) + 1
        assert answer.status < 500, (method, path)
        assert "Traceback" not in answer.text
        assert "<script>alert" not in answer.text

    assert state_of(bot) == before
    assert {200, 400, 403, 404} <= met.keys()


def test_an_approver_s_nonsense_is_refused_too(bot: RunningBot, browser: HttpBrowser) -> None:
    draw = random.Random(32)  # noqa: S311 - the same nonsense each time
    browser.sign_in("ben")
    signed_in, before = browser.cookie, state_of(bot)
    token = browser.token
    paths = [path_of(door, bot) for door in CHANGES if door.path in {
        "/posts/{post}/approve", "/posts/{post}/correct", "/posts/{post}/retract",
        "/posts/{post}/turn-away", "/posts/{post}/ask-change", "/posts/{post}/refuse",
        "/held", "/check", "/accounts/{account}/restart",
    }]  # fmt: skip
    for _turn in range(60):
        browser.cookie = signed_in
        wanted = draw.choices(
            [
                "why",
                "choice",
                "fingerprint",
                "text",
                "comment",
                "delivery",
                "delete",
                "address",
                "file",
            ],
            k=3,
        )
        fields = {name: draw.choice(["", "x" * 5000, "\x00", "maybe", "[]"]) for name in wanted}
        answer = browser.post(draw.choice(paths), {**fields, "token": token})
        assert answer.status < 500, fields

    assert state_of(bot) == before


@pytest.mark.parametrize("twice", ["view=week&view=month", "day=2026-12-01&day=2026-12-02"])
def test_a_value_that_is_there_twice_is_refused(browser: HttpBrowser, twice: str) -> None:
    browser.sign_in("vera")

    assert browser.get(f"/calendar?{twice}").status == 400


def raw(bot: RunningBot, request: bytes) -> bytes:
    host, _, port = bot.origin.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as line:
        line.sendall(request)
        line.shutdown(socket.SHUT_WR)
        return line.recv(65536)


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GARBAGE\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(10**4)),
        b"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["no host", "two hosts", "garbage", "long path", "10k headers", "bad chunk", "TLS"],
)  # fmt: skip
def test_broken_requests_are_told_off_and_the_next_one_is_served(
    bot: RunningBot, browser: HttpBrowser, request_line: bytes
) -> None:
    answer = raw(bot, request_line)

    assert answer == b"" or re.match(rb"HTTP/1.1 4\d\d ", answer)
    assert browser.get("/login").status == 200


def test_a_form_that_is_no_form_is_refused(bot: RunningBot, browser: HttpBrowser) -> None:
    browser.sign_in("ben")
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": bot.origin}
    kinds = ["", "text/plain", "application/json", "multipart/form-data",
             "multipart/form-data; boundary=", "multipart/form-data; boundary=x"]  # fmt: skip

    for kind in kinds:
        for body in (
            b"",
            b"token=x",
            b"--x\r\n\r\n",
            b"\xff\xfe",
            b"--x\r\nContent-Disposition: x\r\n",
        ):
            answer = browser.ask("POST", "/check", body, {**headers, "Content-Type": kind})
            assert 400 <= answer.status < 500


def test_ten_thousand_fields_are_refused(bot: RunningBot, browser: HttpBrowser) -> None:
    browser.sign_in("ben")
    fields = {f"{letter}{number}": "" for letter in string.ascii_letters for number in range(150)}

    assert browser.post("/check", fields).status in {400, 413}


def test_a_rehearsal_without_users_lets_a_guest_try_and_says_so(tmp_path: Path) -> None:
    with open_shipped(tmp_path) as bot, serving(bot):
        browser = bot.browser()
        today = browser.get("/")
        paused = browser.post("/pause", {"reason": "trying it"})

    assert "guest" in today.text
    assert paused.status == 303


def test_a_first_user_ends_the_guests(tmp_path: Path) -> None:
    with open_shipped(tmp_path) as bot, serving(bot):
        browser = bot.browser()
        browser.get("/")
        add_people(bot)

        assert browser.get("/held").status == 303
        assert browser.post("/pause", {"reason": "too late"}).status == 401


def test_a_day_of_the_month_shows_some_and_says_how_many_more(
    bot: RunningBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = bot.browser()
    visitor.sign_in("vera")
    day = next(row.due_at for row in bot.store.outbox.find() if row.due_at).date()
    assert " more</a>" not in visitor.get(f"/calendar?day={day}").text
    monkeypatch.setattr(calendar, "_MOST_A_DAY", 0)

    assert " more</a>" in visitor.get(f"/calendar?day={day}").text
    assert " more</a>" not in visitor.get(f"/calendar?view=week&day={day}").text


def test_however_many_people_look_at_once_all_are_served(bot: RunningBot) -> None:
    signed_in = bot.browser()
    signed_in.sign_in("vera")
    met: list[int] = []

    def look() -> None:
        met.append(HttpBrowser(bot.origin, signed_in.cookie).get("/calendar").status)

    people = [threading.Thread(target=look) for _ in range(40)]
    for thread in people:
        thread.start()
    for thread in people:
        thread.join()

    assert met == [200] * 40
