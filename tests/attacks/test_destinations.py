"""Attacks on where credentials go: whoever changes an address, none of them leaves for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.app.connections import keep_secrets
from bot.authority.tables import StopReason
from bot.cli.main import root
from bot.content.model import Account
from bot.delivery.model import State
from bot.errors import DecisionError, SettingsError, UnconfirmedError
from bot.platforms.base import Profile
from bot.platforms.bluesky.api import SignedIn
from bot.settings.environment import Settings
from tests.attacks.attack import Attacker, attack
from tests.attacks.hostile import TOKEN, HostileWorld
from tests.fakes.loopback import Told
from tests.fakes.people import token_of
from tests.fakes.running_bot import DAY, MINUTE, NINE, RunningBot, post
from tests.platforms.test_bluesky_session import connection


def stops(bot: RunningBot, account: str = "m") -> set[StopReason]:
    state = bot.store.accounts.get(account)
    return set(state.stops) if state else set()


@attack(
    Attacker.GIT,
    tried="`server:` is changed to a server of the attacker's, while posts and numbers are due",
    comes_of_it="the account is stopped before the change is in force; the token goes nowhere",
)
def test_a_changed_server_gets_nothing_from_the_service(world: HostileWorld) -> None:
    world.start()
    world.move_server()

    world.live_on()

    assert world.evil.asked == []
    assert stops(world.bot) == {StopReason.CONFIGURATION}
    assert [row.state for row in world.bot.rows("two")] == [State.HELD]


@attack(
    Attacker.GIT,
    tried="`server:` is changed while a delivery is in doubt and must be read back",
    comes_of_it="nothing is read from the new server; the delivery waits, then a person decides",
)
def test_a_changed_server_is_not_asked_what_is_in_doubt(world: HostileWorld) -> None:
    world.good.quirks.loses_answers = 1
    world.bot.start_approved(post("one", at=world.at))
    world.bot.wait(world.at)
    assert world.bot.row("one").state is State.UNKNOWN
    world.move_server()

    world.live_on()

    assert world.evil.asked == []
    assert world.bot.row("one").state is State.HELD


@pytest.mark.parametrize(
    "verb",
    [
        ("doctor",),
        ("collect",),
        ("retract", "one", "--why", "wrong", "--as", "Ann"),
        ("correct", "one", "--text", "Right", "--why", "wrong", "--delete", "--as", "Ann"),
        ("resume", "m", "--as", "Ann"),
    ],
    ids=lambda verb: verb[0],
)
@attack(
    Attacker.GIT,
    tried="`server:` is changed, and an operator runs `doctor`, `collect`, `retract` or `resume`",
    comes_of_it="each says that the address was not confirmed; the token goes nowhere",
)
def test_a_changed_server_gets_nothing_from_a_verb(
    world: HostileWorld, verb: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    world.start()
    world.bot.clock.advance(timedelta(hours=1))
    world.move_server()

    world.call(*verb)

    assert world.evil.asked == []
    assert "asked" not in capsys.readouterr().out


@attack(
    Attacker.GIT,
    tried="the change lands in the middle of a delivery, between its claim and its call",
    comes_of_it="the intent is refused in the same transaction; nothing is sent to either server",
)
def test_a_change_in_the_middle_of_a_delivery(bot: RunningBot) -> None:
    def edit() -> None:
        bot.set("https://m.example", "https://evil.example")
        bot.watch()

    bot.servers["m"].before_prepare = edit

    bot.wait(NINE + MINUTE)

    assert bot.servers["m"].live == []
    assert "publish" not in bot.servers["m"].calls
    assert bot.row().reason_text.startswith("account stopped: configuration changed")


@attack(
    Attacker.GIT,
    tried="an account that is stopped for its token gets another server, and somebody on the desk"
    " says “let it send again”",
    comes_of_it="only the first reason is lifted; the change still waits for `accept-config`",
)
def test_letting_an_account_send_again_skips_no_confirmation(bot: RunningBot) -> None:
    bot.store.accounts.stop("m", StopReason.UNAUTHORIZED, "revoked", bot.clock.now())
    bot.set("https://m.example", "https://evil.example")
    bot.watch()
    assert stops(bot) == {StopReason.UNAUTHORIZED, StopReason.CONFIGURATION}

    assert bot.desk.restart("m", by="Ann") == "revoked"
    with pytest.raises(DecisionError, match="accept-config"):
        bot.desk.restart("m", by="Ann")
    before = list(bot.servers["m"].calls)
    bot.wait(NINE + DAY)

    assert stops(bot) == {StopReason.CONFIGURATION}
    assert bot.servers["m"].calls == before


@attack(
    Attacker.GIT,
    tried="a change is confirmed on an account that is also stopped for its token",
    comes_of_it="`accept-config` lifts the configuration only",
)
def test_a_confirmation_lifts_nothing_else(bot: RunningBot) -> None:
    bot.store.accounts.stop("m", StopReason.UNAUTHORIZED, "revoked", bot.clock.now())
    bot.set("not_after: 15m", "not_after: 20m")
    bot.watch()

    bot.confirm()

    assert stops(bot) == {StopReason.UNAUTHORIZED}


@pytest.mark.parametrize(
    "server",
    [
        "https://M.example", "https://m.example:443", "https://m.example:8443",
        "https://m.example.evil.example", "https://xn--m-example-4ve.example", "https://1.1.1.1",
        "http://127.0.0.1:9", "https://localhost",
        "https://m.example@evil.example", "https://evil.example\\\\@m.example", "http://m.example",
        "https://m.exаmple", "https://m.example/../evil", "https://m.example#evil.example",
        "https://m.example.", "https://[::ffff:1.1.1.1]", "https://m.example%2eevil.example",
    ],
)  # fmt: skip
@attack(
    Attacker.GIT,
    tried="the address is written in another way: user part, port, capitals, IDN, loopback, path",
    comes_of_it="it is no address that may stand there, or it is not the confirmed one to the"
    " letter; no call is made",
)
def test_an_address_is_the_confirmed_one_to_the_letter(bot: RunningBot, server: str) -> None:
    before = list(bot.servers["m"].calls)
    bot.set("https://m.example", server)

    for _look in range(2):
        bot.services.watch()
    bot.wait(NINE + MINUTE)

    is_refused = bool(bot.services.contents.broken())
    assert is_refused or stops(bot) == {StopReason.CONFIGURATION}
    if is_refused:
        assert bot.services.contents.campaign().schedule.accounts["m"].server == "https://m.example"
    else:
        assert [call for call in bot.servers["m"].calls[len(before) :] if call != "close"] == []


_EVIL = '{platform: mastodon, server: "https://evil.example", owner: Us, ' \
    "consent: {by: Us, on: 2026-01-01}}"  # fmt: skip
#: What is changed, and of which account.
OTHERS: list[tuple[Callable[[RunningBot], None], str]] = [
    (lambda bot: bot.set("handle: b.example", "handle: evil.example"), "b"),
    # The variable of X's token is VERBATIM_X_ACCESS_TOKEN, as Mastodon's would be.
    (lambda bot: bot.use("b", x=_EVIL), "x"),
    (lambda bot: bot.set("handle: b", 'server: "https://evil.example", handle: b'), "b"),
    (lambda bot: bot.set("{platform: x,", '{platform: x, server: "http://127.0.0.1:9",'), "x"),
    (lambda bot: bot.use("b", "x", m=_EVIL), "m"),
]


@pytest.mark.parametrize(("change", "account"), OTHERS)
@attack(
    Attacker.GIT,
    tried="a handle, a platform, a PDS or X's API is changed, or an account is added",
    comes_of_it="that account is stopped and gets no call at all; the others go on",
)
def test_any_other_destination_stops_its_account(
    new_bot: RunningBot, change: Callable[[RunningBot], None], account: str
) -> None:
    new_bot.use("b", "x")
    new_bot.start_approved(post("one", "variants: {x: {text: On X it says so.}}", at=NINE))
    new_bot.servers[account].calls.clear()
    change(new_bot)

    new_bot.watch()
    new_bot.wait(NINE + MINUTE)

    assert new_bot.servers[account].calls in ([], ["close"])
    other = {"b": "x", "x": "b", "m": "b"}[account]
    assert new_bot.states()[f"one/{other}/0"] == "SENT"


@attack(
    Attacker.GIT,
    tried="an account is taken out of the schedule, and comes back later with another server",
    comes_of_it="what it was bound to is remembered: it is stopped and gets no call",
)
def test_an_account_that_comes_back_elsewhere(new_bot: RunningBot) -> None:
    new_bot.use("m", "b")
    new_bot.start_approved(post("one", at=NINE))
    new_bot.use("b")
    new_bot.watch()
    new_bot.restart()
    calls = len(new_bot.servers["m"].calls)
    new_bot.use("m", "b")
    new_bot.set("https://m.example", "https://evil.example")

    new_bot.watch()
    new_bot.approve_all()
    new_bot.wait(NINE + MINUTE)

    assert stops(new_bot) == {StopReason.CONFIGURATION}
    assert new_bot.servers["m"].calls[calls:] in ([], ["close"])
    assert new_bot.states()["one/b/0"] == "SENT"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@attack(
    Attacker.SERVER,
    tried="the account's own server redirects a call to another one",
    comes_of_it="no redirect is followed; the other server gets nothing",
)
def test_no_redirect_is_followed(world: HostileWorld, status: int) -> None:
    for line in ("GET /api/v1/accounts/verify_credentials", "POST /api/v1/statuses"):
        path = line.split()[1]
        told = Told(status, headers={"Location": world.evil.origin + path})
        world.good.quirks.answers[line] = told
    world.bot.start_approved(post("one", at=world.at))

    world.bot.wait(world.at + timedelta(minutes=1))

    assert world.good.asked
    assert world.evil.asked == []


@pytest.mark.parametrize(
    "told", ["https://evil.example", "https://host.bsky.network.evil.example",
             "https://evilhost.bsky.network", "http://morel.us-east.host.bsky.network",
             "https://morel.us-east.host.bsky.network:8443", "http://127.0.0.1:2583",
             "https://127.0.0.1", "https://eve@morel.us-east.host.bsky.network", ""],
)  # fmt: skip
@attack(
    Attacker.SERVER,
    tried="a session's DID document names another PDS",
    comes_of_it="only Bluesky's own hosts are followed, and only from Bluesky's own entryway",
    remains="Bluesky itself can move an account among its own hosts",
)
def test_a_did_document_leads_nowhere_else(told: str) -> None:
    host = "https://morel.us-east.host.bsky.network"
    assert SignedIn(connection(""))._server(told) == "https://bsky.social"
    assert SignedIn(connection(""))._server(host) == host
    assert SignedIn(connection("https://pds.example"))._server(host) == "https://pds.example"


@attack(
    Attacker.SERVER,
    tried="the server says of the same token that it is another account's",
    comes_of_it="the account is stopped until `accept-config`; “let it send again” does not do",
)
def test_another_account_behind_the_same_token(bot: RunningBot) -> None:
    bot.wait(bot.clock.now())
    bot.servers["m"].profile = Profile("666", "", True)
    bot.write(post("two", at=NINE + 2 * DAY))
    bot.watch()
    bot.approve("two")

    bot.wait(NINE + 2 * DAY)

    assert stops(bot) == {StopReason.CONFIGURATION}
    with pytest.raises(DecisionError, match="accept-config"):
        bot.desk.restart("m", by="Ann")
    bot.confirm()
    bot.wait(NINE + 2 * DAY + MINUTE)
    assert stops(bot) == set()
    state = bot.store.accounts.get("m")
    assert state is not None
    assert state.remote_id == "666"


@attack(
    Attacker.GIT,
    tried="the mode is rehearsal, and addresses are changed while secrets lie in the environment",
    comes_of_it="no secret is read in a rehearsal: even a file that everybody may read is no error",
)
def test_no_secret_is_read_in_a_rehearsal(
    world: HostileWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_to_all = tmp_path / "token"
    open_to_all.write_text("canary-in-a-file")
    open_to_all.chmod(0o644)
    monkeypatch.delenv("VERBATIM_M_ACCESS_TOKEN")
    monkeypatch.setenv("VERBATIM_M_ACCESS_TOKEN_FILE", str(open_to_all))
    world.bot.set("mode: live", "mode: rehearsal")
    world.move_server()
    world.bot.start_with(post("one", at=world.at))

    world.bot.wait(world.at)

    assert world.bot.row().state is State.SENT
    assert world.evil.asked == world.good.asked == []


@attack(
    Attacker.GIT,
    tried="a stopped account's numbers, followers, limits and doubts come due for days",
    comes_of_it="a stopped account gets no call at all",
)
def test_a_stopped_account_gets_no_call(world: HostileWorld) -> None:
    world.start()
    world.bot.store.accounts.stop("m", StopReason.UNFIT, "no bot flag", world.bot.clock.now())
    world.good.asked.clear()

    world.live_on()

    assert world.good.asked == []


# Pauses


@attack(
    Attacker.APPROVER,
    tried="while everything is paused, somebody retracts a post or corrects it with --delete",
    comes_of_it="a pause stops every write: nothing is deleted",
)
def test_nothing_is_deleted_while_paused(world: HostileWorld) -> None:
    world.start()
    world.bot.desk.pause("stolen laptop", by="Ann")

    assert world.call("retract", "one", "--why", "wrong", "--as", "Ben") == 1
    world.call("correct", "one", "--text", "R.", "--why", "w", "--delete", "--as", "Ben")

    assert [line for line in world.good.lines if line.startswith("DELETE")] == []
    assert world.bot.row("one").state is State.SENT
    assert not [row for row in world.bot.store.audit.rows() if row.verb.startswith("retract")]


@attack(
    Attacker.SERVER,
    tried="while `pause --all-calls` lasts, reads, looks and settling come due for days",
    comes_of_it="no platform is called for anything; it all goes on after `resume`",
)
def test_a_pause_of_all_calls(world: HostileWorld) -> None:
    world.start()
    assert world.call("pause", "--all-calls", "--reason", "raid", "--as", "Ann") == 0
    world.good.asked.clear()

    world.live_on()
    assert world.good.asked == []

    assert world.call("resume", "--as", "Ann") == 0
    world.bot.services.collect()
    assert world.good.asked != []


@attack(
    Attacker.SERVER,
    tried="sending was paused already when somebody needs all calls to end",
    comes_of_it="`pause --all-calls` comes on top of a pause; one `resume` ends both",
)
def test_all_calls_are_paused_on_top_of_a_pause(bot: RunningBot) -> None:
    bot.desk.pause("news", by="Ann")
    bot.desk.pause("raid", by="Ben", all_calls=True)
    bot.servers["m"].calls.clear()

    bot.wait(NINE)
    assert bot.servers["m"].calls == []

    bot.desk.resume(by="Ann")
    assert bot.store.pauses.current() is None


@attack(
    Attacker.GIT,
    tried="after a restore, what may be out is to be read back from an account that is stopped",
    comes_of_it="it is held without a call; the other accounts do not wait for it",
)
def test_a_stopped_account_does_not_keep_others_from_settling(new_bot: RunningBot) -> None:
    new_bot.use("m", "b")
    new_bot.start_approved(post("one", at=NINE), post("two", at=NINE + DAY))
    new_bot.servers["m"].fails(UnconfirmedError("mastodon", "reset"))
    new_bot.servers["m"].blind = 9
    new_bot.wait(NINE)
    new_bot.stop()
    new_bot.machine = "another"
    new_bot.services.store.accounts.stop("m", StopReason.UNFIT, "x", new_bot.clock.now())
    new_bot.start()
    before = list(new_bot.servers["m"].calls)

    new_bot.wait(NINE + DAY)

    assert new_bot.states()["two/b/0"] == "SENT"
    assert new_bot.servers["m"].calls == before


# Binding


@attack(
    Attacker.DATABASE,
    tried="git and the database: `server:` is changed, and the database says that it was confirmed",
    comes_of_it="where VERBATIM_SERVERS names the servers, the token goes to these alone",
    remains="the token, where that setting is empty",
)
def test_no_database_confirms_another_server(world: HostileWorld) -> None:
    world.bot.settings = Settings(servers=(world.good.origin,))
    world.start()
    world.move_server()
    world.bot.watch()
    world.bot.confirm()
    assert stops(world.bot) == set()

    world.live_on()

    assert not world.evil.asked
    assert world.bot.rows("two", State.HELD)
    with pytest.raises(SettingsError, match="not one of VERBATIM_SERVERS"):
        world.bot.services.publisher.platform("m")


@pytest.fixture
def kept(world: HostileWorld, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the token where `login` does; return its file."""
    monkeypatch.delenv("VERBATIM_M_ACCESS_TOKEN")
    account = Account("m", "mastodon")
    return next(iter(keep_secrets(world.bot.data, account, {"ACCESS_TOKEN": TOKEN}).values()))


def login(world: HostileWorld, name: str = "Ann") -> Result:
    """Sign the account in with another token, as a person at the machine types it.

    Args:
        name: A user, who proves it by a token; empty for nobody.
    """
    words = ["login", "m", *world.bot.places]
    env = {}
    if name:
        words += ["--as", name]
        env["VERBATIM_TOKEN"] = token_of(world.bot.store, world.bot.clock, name)
    return CliRunner(env=env).invoke(root, words, input="canary-of-another-1234\n")


@pytest.mark.usefixtures("kept")
@attack(
    Attacker.GIT,
    tried="`server:` is changed, and an operator is asked to sign the account in again",
    comes_of_it="`login` says where the secret will go before it asks for it; the old one is never"
    " sent there",
    remains="whoever types a secret for an address that they did not read",
)
def test_login_says_where_the_secret_will_go(world: HostileWorld) -> None:
    world.start()
    world.move_server()
    world.bot.watch()

    done = login(world)

    assert done.exit_code == 0, done.output
    assert done.output.index(world.evil.origin) < done.output.index("access token")
    sent = {asked.headers.get("Authorization") for asked in world.evil.asked}
    assert sent <= {"Bearer canary-of-another-1234", None}
    assert stops(world.bot) == set()


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("name", ["", "Ann"])
@attack(
    Attacker.SHELL,
    tried="`server:` is changed in the files, and `login` confirms it without anybody's proof",
    comes_of_it="it asks for a user who may confirm rules, before it asks for a secret",
    remains="a campaign that has no users yet",
)
def test_login_confirms_nothing_in_nobodys_name(
    world: HostileWorld, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    world.start()
    world.move_server()
    world.bot.watch()
    monkeypatch.setattr(f"{__name__}.token_of", lambda *_given: "verbatim_invented")

    done = login(world, name)

    assert isinstance(done.exception, DecisionError)
    assert "access token" not in done.output
    assert not world.evil.asked
    assert stops(world.bot) == {StopReason.CONFIGURATION}


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("approvals_required: 2", "approvals_required: 1"),
        ("owner: Us,", "owner: Us, visibility: private,"),
    ],
)
@attack(
    Attacker.GIT,
    tried="`server:` is changed together with a rule or with the account's visibility, and the"
    " account is signed in again",
    comes_of_it="`login` confirms where the account is, in a row of the log; the rest still stops"
    " it",
)
def test_login_confirms_its_destination_only(world: HostileWorld, old: str, new: str) -> None:
    world.start()
    world.move_server()
    world.bot.set(old, new)
    world.bot.watch()

    assert login(world).exit_code == 0

    row = world.bot.store.audit.rows(limit=1)[0]
    assert (row.verb, row.subject, row.detail["server"]) == ("login", "m", world.evil.origin)
    assert stops(world.bot) == {StopReason.CONFIGURATION}
    world.bot.confirm()
    assert stops(world.bot) == set()


@attack(
    Attacker.SERVER,
    tried="`login` is tried on a server that does not take the secret",
    comes_of_it="nothing is kept and nothing is confirmed",
)
def test_a_secret_that_fails_binds_nothing(world: HostileWorld, kept: Path) -> None:
    world.start()
    world.move_server()
    world.bot.watch()
    line = "GET /api/v1/accounts/verify_credentials"
    world.evil.quirks.answers[line] = Told(401, {"error": "no"})

    assert login(world).exit_code == 1

    assert stops(world.bot) == {StopReason.CONFIGURATION}
    assert kept.read_text(encoding="utf-8") == TOKEN
