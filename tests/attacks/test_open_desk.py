"""Attacks on the desk by whoever reaches it: to take it down, to get in, to go on in a session."""

from __future__ import annotations

import html
import json
import re
import select
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Literal

import pyotp
import pytest
from argon2 import PasswordHasher

from bot.authority.signing_in import FRESH, TRIES, Visitor
from bot.authority.user_table import Passkey
from bot.authority.users import Person
from bot.delivery.model import State
from bot.settings.environment import Settings
from bot.web import app, guard
from bot.web.guard import POLICY
from bot.web.server import dashboard
from tests.attacks.attack import Attacker, attack
from tests.fakes.authenticator import PRESENT, Authenticator, b64
from tests.fakes.browser import PASSWORD, HttpBrowser, PageAnswer
from tests.fakes.running_bot import RunningBot
from tests.fakes.shipped import APPROVERS, WEAK, add_people, open_shipped, planned, serving
from tests.integration.store_rows import due
from tests.servers import free_port
from tests.waiting import PATIENCE, wait_until


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    """Return a rehearsal with its people, whose desk is being served and one post is out."""
    with open_shipped(tmp_path_factory.mktemp("desk")) as bot:
        add_people(bot)
        row = next(one for one in planned(bot) if one.platform == "mastodon")
        bot.approve(row.post_id, by=APPROVERS)
        bot.wait(due(row))
        with serving(bot):
            yield bot


@pytest.fixture(autouse=True)
def forgotten(desk: RunningBot) -> Iterator[None]:
    """Let the failures of one test be over for the next."""
    yield
    desk.clock.advance(timedelta(minutes=20))


@pytest.fixture
def browser(desk: RunningBot) -> HttpBrowser:
    """Return a browser that names the desk as passkeys need it."""
    return HttpBrowser(desk.origin.replace("127.0.0.1", "localhost"))


def line_to(desk: RunningBot) -> socket.socket:
    host, _, port = desk.origin.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


# To take it down


@attack(
    Attacker.VISITOR,
    tried="hundreds of connections that never send a whole request",
    comes_of_it="the oldest idle ones make room; the desk answers all the while",
)
def test_half_open_requests_do_not_take_the_desk_down(
    desk: RunningBot, browser: HttpBrowser
) -> None:
    with ExitStack() as stack:
        for _ in range(300):
            line = stack.enter_context(line_to(desk))
            line.sendall(b"GET /login HTTP/1.1\r\nHost: x")

        assert browser.get("/login").status == 200
        assert browser.sign_in("ben").status == 303
        assert browser.get("/held").status == 200


@attack(
    Attacker.VISITOR,
    tried="a connection that sends the head of its request for ever",
    comes_of_it="closed after ten seconds",
)
@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nX: ", b"GET /robots.txt HTTP/1.1\r\n"])
def test_the_head_of_a_request_has_a_time_limit(
    desk: RunningBot, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(guard, "HEAD_SECONDS", 0.05)
    with line_to(desk) as line:
        line.sendall(sent)

        assert not closed(line)


@attack(
    Attacker.VISITOR,
    tried="a form that comes byte by byte, or never, or goes on after its answer",
    comes_of_it="answered as too slow after 20 seconds, then closed",
)
def test_a_form_has_a_time_limit(desk: RunningBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "BODY_SECONDS", 0.05)
    monkeypatch.setattr(guard, "HEAD_SECONDS", 0.05)
    place = desk.origin.removeprefix("http://")
    head = (
        f"POST /login HTTP/1.1\r\nHost: {place}\r\nOrigin: {desk.origin}\r\n"
        "Sec-Fetch-Site: same-origin\r\nContent-Length: 900\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\nname=b"
    )
    with line_to(desk) as line:
        line.sendall(head.encode())

        assert closed(line).startswith(b"HTTP/1.1 408 ")


def closed(line: socket.socket) -> bytes:
    """Read until the other side closes; return all that it said."""
    said = b""
    try:
        while part := line.recv(65_536):
            said += part
    except ConnectionResetError:
        pass
    return said


class Stuck(PasswordHasher):
    """A hasher that is busy until it is let go."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=1024, parallelism=1)
        self.go = Event()

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.go.wait(PATIENCE)
        return WEAK.verify(hash, password)


@attack(
    Attacker.VISITOR,
    tried="forty sign-ins at once, again and again, so that hashing takes all there is",
    comes_of_it="six wait in a thread of low priority, the rest is told to come again; pages, "
    "`pause` and people who gave their password before do not wait",
)
def test_login_loops_keep_nobody_waiting(desk: RunningBot, browser: HttpBrowser) -> None:
    browser.sign_in("ben")
    stuck, told = Stuck(), []
    hasher = desk.dashboard.access.passwords.hasher
    desk.dashboard.access.passwords.hasher = stuck

    def guess() -> None:
        stranger = HttpBrowser(desk.origin)
        stranger.get("/login")
        told.append(stranger.post("/login", {"name": "ben", "password": "guess" * 4}).status)

    threads = [Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: 503 in told, "no more may wait")
        assert browser.get("/held").status == 200
        assert browser.post("/pause", {"reason": "x"}).status == 303
    finally:
        stuck.go.set()
        for thread in threads:
            thread.join()
        desk.dashboard.access.passwords.hasher = hasher
    assert browser.post("/resume").status == 303
    assert set(told) <= {403, 429, 503}


# To get in


@attack(
    Attacker.VISITOR,
    tried="wrong passwords in an approver's name, to lock her out",
    comes_of_it="only the attacker's address waits; her browser goes on, even at that address",
    remains="who never signed in before, behind the same address, waits 15 minutes",
)
def test_nobody_is_locked_out_by_others(desk: RunningBot, browser: HttpBrowser) -> None:
    browser.sign_in("ben")
    browser.post("/logout")
    stranger = HttpBrowser(desk.origin)
    guesses = [stranger.sign_in("ben", "guess" * 4) for _ in range(6)]

    assert [guess.status for guess in guesses] == [403] * 5 + [429]
    assert "Too many tries; wait 15 minutes" in guesses[-1].text
    assert browser.sign_in("ben").status == 303


@dataclass
class Behind(HttpBrowser):
    """A browser as a proxy hands it on."""

    #: Says for whom each request is; takes which one it is.
    forwarded: Callable[[int], str] = lambda _number: "203.0.113.9"
    asked: int = 0

    def ask(
        self, method: str, path: str, body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> PageAnswer:  # fmt: skip
        self.asked += 1
        told = {"X-Forwarded-For": self.forwarded(self.asked), "X-Forwarded-Proto": "https"}
        told |= {"Host": "desk.example", "Origin": "https://desk.example"}
        return super().ask(method, path, body, {**(headers or {}), **told})


@contextmanager
def serving_behind(desk: RunningBot, proxy: str) -> Iterator[str]:
    """Serve the desk once more, behind a proxy at this address; return where it listens."""
    place = f"127.0.0.1:{free_port()}"
    known = Settings(web=place, web_proxy=proxy, web_hosts=("desk.example",))
    with dashboard(desk.dashboard, known):
        yield f"http://{place}"


@attack(
    Attacker.VISITOR,
    tried="behind a proxy: guesses with invented addresses before the true one, or another port"
    " each time; to a desk that names another proxy, with invented addresses alone",
    comes_of_it="counted by what VERBATIM_WEB_PROXY names last; nobody else's word counts, and"
    " people at other addresses do not wait",
)
@pytest.mark.parametrize("proxy", ["127.0.0.1", "127.0.0.9"])
def test_guesses_behind_a_proxy_count_for_whom_it_names(desk: RunningBot, proxy: str) -> None:
    is_proxy = proxy == "127.0.0.1"
    true = "203.0.113.9:{0}" if is_proxy else "198.51.100.{0}"
    with serving_behind(desk, proxy) as origin:
        eve = Behind(origin, forwarded=lambda number: f"6.6.6.{number}, {true.format(number)}")
        guesses = [eve.sign_in("ben", "guess" * 4).status for _ in range(6)]
        anna = Behind(origin, forwarded=lambda _number: "203.0.113.10")

        assert guesses == [403] * 5 + [429]
        assert anna.sign_in("anna").status == (303 if is_proxy else 429)


@attack(
    Attacker.VISITOR,
    tried="behind a proxy: more slow requests at once than one address may have",
    comes_of_it="the last of them is closed; others behind the proxy are answered",
)
def test_slow_requests_behind_a_proxy_count_for_whom_it_names(
    desk: RunningBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "PER_ADDRESS", 3)
    with serving_behind(desk, "127.0.0.1") as origin, ExitStack() as stack:
        place, lines = origin.removeprefix("http://").split(":"), []
        for number in range(4):
            line = socket.create_connection((place[0], int(place[1])), timeout=PATIENCE)
            lines.append(stack.enter_context(line))
            head = (
                "POST /login HTTP/1.1\r\nHost: desk.example\r\nOrigin: https://desk.example\r\n"
                "X-Forwarded-Proto: https\r\nContent-Length: 9\r\n"
            )
            line.sendall(
                f"{head}Content-Type: application/x-www-form-urlencoded\r\n"
                f"X-Forwarded-For: 1.1.1.{number}, 203.0.113.9:{number}\r\n\r\n".encode()
            )
        # Which of them comes last is the server's to say.
        closed, _, _ = select.select(lines, [], [], PATIENCE)
        assert [line.recv(1) for line in closed] == [b""]

        assert Behind(origin, forwarded=lambda _number: "203.0.113.10").get("/login").status == 200


@attack(
    Attacker.VISITOR,
    tried="whether a name exists is read off the answer of a failed sign-in",
    comes_of_it="the same words, and the same work, for a name that nobody has",
)
def test_a_failed_sign_in_tells_nothing_of_the_name(desk: RunningBot) -> None:
    texts = set()
    for name in ("ben", "nobody-here"):
        stranger = HttpBrowser(desk.origin)
        text = stranger.sign_in(name, "guess" * 4).text
        texts.add(re.sub(r'(value|data-passkey)="[^"]*"', "", text))

    assert len(texts) == 1


@attack(
    Attacker.VISITOR,
    tried="a one-time code that was seen over the shoulder is used again, in time",
    comes_of_it="each code is taken once",
)
def test_a_code_is_not_taken_twice(desk: RunningBot, browser: HttpBrowser) -> None:
    access, secret = desk.dashboard.access, pyotp.random_base32()
    anna = Person("anna", frozenset())
    access.set_totp(anna, secret, pyotp.TOTP(secret).at(desk.clock.now() - timedelta(seconds=30)))
    fields = {"name": "anna", "password": PASSWORD, "code": pyotp.TOTP(secret).at(desk.clock.now())}
    try:
        browser.get("/login")
        assert browser.post("/login", fields).status == 303
        other = HttpBrowser(desk.origin)
        other.get("/login")
        assert other.post("/login", fields).status == 403
        assert other.post("/login", {**fields, "code": ""}).status == 403
    finally:
        access.drop_totp(anna)


def options_of(page: PageAnswer) -> str:
    """Return what a page asks a passkey for."""
    found = re.search(r'data-passkey="([^"]+)"', page.text)
    assert found is not None
    return html.unescape(found[1])


@pytest.fixture
def key(desk: RunningBot, browser: HttpBrowser) -> Iterator[Authenticator]:
    """Give anna a passkey, as her page does."""
    made = Authenticator(browser.origin)
    browser.sign_in("anna")
    answer = made.create(options_of(browser.get("/me")))
    assert browser.post("/me/passkeys", {"answer": answer, "label": "grey"}).status == 303
    browser.post("/logout")
    yield made
    desk.store.passkeys.remove("anna")


def by_passkey(browser: HttpBrowser, answer: str) -> int:
    return browser.post("/login/passkey", {"answer": answer}).status


@attack(
    Attacker.NETWORK,
    tried="a passkey's answer is used again, or in another browser",
    comes_of_it="each challenge is taken once, from the browser that it was made for",
)
def test_a_passkey_s_answer_is_taken_once(
    desk: RunningBot, browser: HttpBrowser, key: Authenticator
) -> None:
    answer = key.sign(options_of(browser.get("/login")))
    stolen = HttpBrowser(browser.origin)
    stolen.get("/login")

    assert by_passkey(stolen, answer) == 403
    assert by_passkey(browser, answer) == 303
    assert browser.get("/held").status == 200
    browser.post("/logout")
    browser.get("/login")
    assert by_passkey(browser, answer) == 403


@attack(
    Attacker.NETWORK,
    tried="a passkey's answer that was given to a look-alike of the desk, without the user's "
    "gesture, by a copied key, by an unknown key, to an invented challenge, or rubbish",
    comes_of_it="refused",
)
@pytest.mark.parametrize(
    "how", ["look-alike", "no gesture", "copy", "unknown", "old", "rubbish", "deep", "surrogate"]
)
def test_only_the_true_answer_signs_in(
    desk: RunningBot, browser: HttpBrowser, key: Authenticator, how: str
) -> None:
    options = options_of(browser.get("/login"))
    match how:
        case "look-alike":
            key.origin = "http://loca1host"
        case "no gesture":
            key.flags = PRESENT
        case "copy":
            desk.store.passkeys.count_up(b64(key.key_id), 7)
        case "unknown":
            key.key_id = b"x" * 16
        case "old":
            desk.clock.advance(timedelta(minutes=6))
    rubbish = {"rubbish": "{}", "deep": "[" * 7_000}
    answer = rubbish.get(how) or key.sign(options)
    if how == "surrogate":
        answer = json.dumps({**json.loads(answer), "id": "\ud800"})

    assert by_passkey(browser, answer) == 403
    assert browser.get("/held").status == 303


@attack(
    Attacker.VISITOR,
    tried="wrong passkeys again and again, from the address that colleagues share",
    comes_of_it="each is refused, and nobody has to wait",
)
def test_wrong_passkeys_keep_nobody_waiting(
    desk: RunningBot, browser: HttpBrowser, key: Authenticator
) -> None:
    browser.get("/login")
    for _ in range(TRIES + 1):
        assert by_passkey(browser, "{}") == 403

    assert by_passkey(browser, key.sign(options_of(browser.get("/login")))) == 303


# To go on in somebody's session


CHANGES = {
    "/calendar/address": {}, "/me/password": {"new": "four quite other words here"},
    "/me/codes/new": {}, "/me/codes": {"secret": "A" * 32, "code": "123456"}, "/me/codes/off": {},
    "/me/passkeys": {"answer": "{}", "label": "x"}, "/me/passkeys/remove": {"key": "x"},
    "/me/tokens": {"label": "x"}, "/me/address/set": {"address": "json://a.example/x"},
    "/me/address/forget": {}, "/me/address/test": {},
    "/me/away": {"first": "", "back": "2099-01-01", "substitute": "anna"},
}  # fmt: skip


@attack(
    Attacker.VISITOR,
    tried="a desk that was left open: retract, delete with a correction, change what its user "
    "signs in with or where they are told what waits, make a calendar address",
    comes_of_it="each asks for the password or a passkey, if the last time is ten minutes ago",
    remains="within ten minutes of a sign-in, and for approvals that are not signed",
)
@pytest.mark.parametrize("path", [*CHANGES, "/retract", "/correct"])
def test_an_open_session_does_not_do_for_what_matters(
    desk: RunningBot, browser: HttpBrowser, path: str
) -> None:
    sent = desk.store.outbox.find(states={State.SENT})[0]
    fields = {"why": "x", "sure": "yes", "text": "It was so.", "delete": "yes"}
    fields = {**CHANGES.get(path, fields)}
    path = path if path in CHANGES else f"/posts/{sent.post_id}{path}"
    browser.sign_in("ben")
    desk.clock.advance(FRESH)
    before = desk.store.audit.head()[0]

    without = browser.post(path, fields)
    wrong = browser.post(path, {**fields, "password": "guess" * 4})

    assert (without.status, wrong.status) == (403, 403)
    assert {row.verb for row in desk.store.audit.rows() if row.seq > before} == {"refused"}


MAIL = "from=u@a.example&to=v@a.example"


@attack(
    Attacker.APPROVER,
    tried="an address for one's own messages by which the machine calls its own network, reads a "
    "file, or sends anything anywhere",
    comes_of_it="the desk takes mail at public servers, services at a fixed host, and the servers "
    "of the operator's alerts; no options that name files or pages, or copy a message to others, "
    "in whatever way they are written",
    remains="a mail server's name that leads elsewhere later: its answers are told to nobody",
)
@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("json://169.254.169.254/latest", "takes addresses of Mail"),
        (f"mailto://127.0.0.1?{MAIL}", "public mail servers only"),
        (f"mailto://a.example:8080?smtp=8.8.8.8&{MAIL}", "public mail servers only"),
        (f"mailto://8.8.8.8?smtp=127.0.0.1&{MAIL}", "public mail servers only"),
        (f"mailto://8.8.8.8?{MAIL}&pgpkey=/etc/passwd", "Leave out pgpkey"),
        (f"mailto://8.8.8.8?{MAIL};verify=no;bcc=w@x.example", "Leave out bcc, verify"),
        (f"mailto://8.8.8.8/#?{MAIL}&%70gppub=/etc/passwd", "Leave out pgppub"),
        (f"mailto://8.8.8.8?{MAIL}&+X-Header=y", "Leave out +x-header"),
        ("tgram://123456789:abcdefg_hijklmnop/123/?to=1;template=/etc/passwd", "out template"),
        ("signals://127.0.0.1:8080/+12345678901/+12345678902", "the operator&#39;s own alerts"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ,json://127.0.0.1/x", "no single"),
        ("mailto://u:p@a.example json://127.0.0.1/x", "no space in it"),
    ],
)
def test_no_address_of_a_user_leads_into_the_machine_s_own_network(
    desk: RunningBot, browser: HttpBrowser, address: str, told: str
) -> None:
    browser.sign_in("ben")

    answer = browser.post("/me/address/set", {"address": address})

    assert answer.status == 409
    assert told in answer.text.partition("<main")[2]
    assert desk.store.addresses.get("ben") == ""


@attack(
    Attacker.VISITOR,
    tried="the password is guessed in a stolen session",
    comes_of_it="after five wrong ones the session ends",
)
def test_a_stolen_session_ends_when_it_guesses(desk: RunningBot, browser: HttpBrowser) -> None:
    browser.sign_in("ben")
    desk.clock.advance(FRESH)
    for _ in range(5):
        assert browser.post("/proof", {"password": "guess" * 4}).status == 403

    assert browser.get("/held").status == 303


@attack(
    Attacker.APPROVER,
    tried="one's own passkey proves somebody else's session",
    comes_of_it="refused: it is the wrong person's",
)
def test_a_proof_is_by_the_session_s_own_user(
    desk: RunningBot, browser: HttpBrowser, key: Authenticator
) -> None:
    browser.sign_in("ben")
    mine = Passkey("bWluZQ", "ben", "x", browser.origin, key.public_key, 0, desk.clock.now())
    desk.store.passkeys.add(mine)
    desk.clock.advance(FRESH)
    try:
        answer = key.sign(options_of(browser.get("/proof")))
        assert browser.post("/proof", {"answer": answer}).status == 403
    finally:
        desk.store.passkeys.remove("ben")


@attack(
    Attacker.APPROVER,
    tried="a user ends others' sessions, or takes away their tokens and passkeys",
    comes_of_it="each form reaches what is one's own",
)
def test_nobody_reaches_what_is_somebody_else_s(
    desk: RunningBot, browser: HttpBrowser, key: Authenticator
) -> None:
    session = desk.dashboard.sign_in.start("anna", Visitor()).session
    token = desk.dashboard.access.new_token(Person("anna", frozenset()), "x")
    rows = desk.store.sessions.of("anna"), desk.store.tokens.of("anna")
    browser.sign_in("ben")

    for row in rows[0]:
        browser.post("/me/sessions/end", {"session": row.id_sha256})
    for row_ in rows[1]:
        browser.post("/me/tokens/revoke", {"token_sha256": row_.sha256})
    browser.post("/me/passkeys/remove", {"key": b64(key.key_id)})

    assert desk.dashboard.sign_in.person_of(session)
    assert desk.dashboard.access.person_of_token(token)
    assert desk.store.passkeys.of("anna")


@attack(
    Attacker.EDITOR,
    tried="a text of a post, or a page of ours, runs a script",
    comes_of_it="only the one static script may run, on the pages that ask for a passkey",
)
def test_scripts_run_on_pages_that_ask_for_a_passkey_only(
    desk: RunningBot, browser: HttpBrowser
) -> None:
    browser.sign_in("ben")
    allowed = {"/me"}
    for path in ("/", "/calendar", "/held", "/log", "/check", "/me", "/corrections", "/accounts"):
        policy = browser.get(path).headers["content-security-policy"]
        assert (policy != POLICY) == (path in allowed), path
        assert "script-src 'self'" in policy if path in allowed else "script-src" not in policy
        assert "unsafe" not in policy


@attack(
    Attacker.DATABASE,
    tried="what the database holds is used to sign in",
    comes_of_it="it holds hashes of sessions, devices, tokens and recovery codes, and public keys",
    remains="secrets of one-time codes; with a password cracked too they let somebody in: "
    "passkeys do not have that",
)
def test_the_database_signs_nobody_in(
    desk: RunningBot, browser: HttpBrowser, tmp_path: Path
) -> None:
    browser.sign_in("ben")
    secrets = [browser.cookie.partition("=")[2], browser.device.partition("=")[2]]
    copy = tmp_path / "stolen.db"
    desk.store.backup(copy)

    kept = copy.read_bytes()

    assert not [one for one in (*secrets, PASSWORD) if one.encode() in kept]
    row = desk.store.sessions.of("ben")[0]
    browser.cookie = f"verbatim={row.id_sha256}"
    assert browser.get("/held").status == 303
