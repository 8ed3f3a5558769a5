"""Each fault is told alike by every signal: probes, status, alert, dashboard, doctor.

In this process on a fast clock, and in the built image, where ``make image-check`` left its tree.
``make operate`` writes what they told into docs/operability.md.
"""

import html
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.app.content import Paths
from bot.app.doctor import examine
from bot.app.storage import DataOwner, remember_owner
from bot.authority.tables import StopReason
from bot.content.model import Mode
from bot.db.sqlite import Room, free_bytes
from bot.engine.scheduler import STUCK
from bot.errors import Severity, StoreError
from bot.operations.channels import channels_of
from bot.operations.status import status_of
from bot.web.server import Monitor
from tests.fakes.loopback import Inbox
from tests.fakes.running_bot import DAY, MINUTE, NINE, RunningBot, post
from tests.fakes.shipped import serving
from tests.operations.image_tree import (
    SLOW,
    STRICT,
    TREE,
    ImageBot,
)
from tests.operations.machine import STUCK_LOOP, STUCK_WORKER, seconds_until
from tests.operations.page import COMMANDS_HEAD, HEAD, IMAGE_HEAD, TABLE
from tests.waiting import wait_until

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

NOBODY = "json://127.0.0.1:9/"
#: What was told, by the place where the bot ran and the fault.
ROWS: dict[str, dict[str, str]] = {"tree": {}, "image": {}}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong, and what every signal must say of it."""

    name: str
    #: None where it can befall only a process of its own.
    inject: Callable[[RunningBot], object] | None
    #: In the key of its matter; empty where nothing must be told.
    key: str
    severity: Severity = Severity.ERROR
    within: str = "5 s"
    #: What VERBATIM_ALERTS names, beside an inbox.
    addresses: Sequence[str] = field(default_factory=tuple)
    is_alive: bool = True
    #: The database answers `status` and the dashboard.
    is_readable: bool = True
    #: What brings it about in the image; or why nothing does.
    there: Callable[[ImageBot], object] | str = ""
    #: What `doctor` finds wrong there.
    doctor: tuple[str, ...] = ()
    #: The database is PostgreSQL's there.
    is_shared: bool = False


def steady(text: str) -> str:
    """Return a text without its numbers: room on a disk changes while a test looks."""
    return re.sub(r"\d+", "#", html.unescape(text))


def fill_disk(bot: RunningBot, share: float) -> None:
    bot.services.disk.room = Room(least_free=int(free_bytes(bot.data) * share))


def take_database_away(bot: RunningBot) -> None:
    def fail(*_arguments: object) -> None:
        raise StoreError("the database fails: connection refused")

    bot.store._db.read = bot.store._db.write = fail  # type: ignore[method-assign, assignment] # a database that fails


def stop_the_loop(bot: RunningBot) -> None:
    bot.clock.advance(3 * MINUTE)


def stop_a_worker(bot: RunningBot) -> None:
    bot.services.activity.begin("m")
    bot.clock.advance(11 * MINUTE)
    bot.services.activity.tick()


def half_copy(bot: RunningBot) -> None:
    bot.tree.put("posts/main.yaml", 'posts:\n  - id: one\n    text: "cut in the mid')
    bot.watch(broken=True)


def change_campaign(bot: RunningBot) -> None:
    bot.set("campaign: test", "campaign: other")
    bot.watch(broken=True)


def lapse(bot: RunningBot) -> None:
    bot.desk.pause("mourning", by="Ann")
    bot.wait(NINE + MINUTE)
    bot.desk.resume(by="Ann")
    bot.services.activity.tick()


WARNING = Severity.WARNING
#: What `doctor` calls what the service at work says.
SAYS = "`run` says"
SCOPE = "This action is outside the authorized scopes"
FAULTS = (
    Fault("nothing", lambda _bot: None, "", there=lambda _bot: None),
    Fault("disk low", lambda bot: fill_disk(bot, 0.5), "disk@", WARNING, "1 min",
          there=lambda bot: bot.leave(120), doctor=("disk",)),
    Fault("disk at its limit", lambda bot: fill_disk(bot, 2.0), "disk@",
          there=lambda bot: bot.leave(30), doctor=("disk", SAYS)),
    Fault("disk full", None, "disk@", there=lambda bot: bot.fill(), doctor=("disk", SAYS)),
    Fault("disk read-only", None, "disk@", there=lambda bot: bot.abort_disk(),
          is_readable=False, doctor=("database",)),
    Fault("database away", take_database_away, "database", is_readable=False, is_shared=True,
          there=lambda bot: bot.take_database_away(), doctor=("database",)),
    Fault("database broken", lambda bot: setattr(bot.services.inspector, "damage", "torn"),
          "damage@", within="1 d, and at each start", there=lambda bot: bot.damage(),
          doctor=("database", SAYS)),
    Fault("clock off", lambda bot: bot.services.clock_guard.note_server_time(
        "m", bot.clock.now() + 2 * DAY), "clock@", within="the next call",
        there=lambda bot: bot.set_clocks_apart(), doctor=(SAYS, "clock")),
    Fault("loop stuck", stop_the_loop, "stuck/the loop@", is_alive=False,
          within="2 min, then the process ends", there=lambda bot: bot.inject(STUCK_LOOP),
          doctor=(SAYS,)),
    Fault("worker stuck", stop_a_worker, "stuck/m@", within="10 min",
          there=lambda bot: bot.inject(STUCK_WORKER), doctor=(SAYS,)),
    Fault("replica frozen", None, "silent@", WARNING, is_alive=False, is_shared=True,
          there=lambda bot: bot.freeze()),
    Fault("account stopped: its token lacks a scope, or was revoked",
          lambda bot: bot.store.accounts.stop("m", StopReason.UNAUTHORIZED, "403", bot.clock.now()),
          "stopped/m", within="the next call", there="its parts are the next two"),
    Fault("token revoked", None, "stopped/m", doctor=(SAYS, "m"),
          there=lambda bot: bot.answer(401, "The access token was revoked")),
    Fault("token without its scope", None, "stopped/m", doctor=(SAYS, "m"),
          there=lambda bot: bot.answer(403, SCOPE)),
    Fault("secret missing", lambda bot: bot.services.verifier.failing.update(m="missing"),
          "unchecked/m", there=lambda bot: bot.lose_secret(), doctor=(SAYS, "m")),
    Fault("alert channel dead", lambda _bot: None, "channel/address 2", addresses=(NOBODY,),
          within="the next alert", there=lambda bot: bot.pause(), doctor=(SAYS,)),
    Fault("alert channel slow", None, "channel/address 2", addresses=(SLOW,),
          there=lambda bot: bot.pause(), doctor=(SAYS,)),
    Fault("alert channel that refuses", None, "channel/address 2", addresses=(STRICT,),
          there=lambda bot: bot.pause(), doctor=(SAYS,)),
    Fault("half-copied files", half_copy, "content@", WARNING, "10 s",
          there=lambda bot: bot.half_copy(), doctor=("content",)),
    Fault("files of another campaign", change_campaign, "content@", WARNING, "10 s",
          there=lambda bot: bot.change_campaign(), doctor=("database",)),
    Fault("paused", lambda bot: bot.desk.pause("mourning", by="Ann"), "paused", WARNING,
          there=lambda bot: bot.pause()),
    Fault("posts held", lapse, "HELD/paused", WARNING, there=lambda bot: bot.lapse()),
)  # fmt: skip
IN_PROCESS = [fault for fault in FAULTS if fault.inject]
IN_IMAGE = [fault for fault in FAULTS if callable(fault.there)]


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningBot]:
    """Return a rehearsal at work whose data directory knows it; its desk needs no password."""
    bot = RunningBot(tmp_path)
    monkeypatch.setattr("bot.app.doctor.SystemClock", lambda: bot.clock)  # the service's time
    bot.set("mode: live", "mode: rehearsal")
    bot.url = f"sqlite:///{bot.data / 'rehearsal.db'}"
    bot.start_with(post("one", at=NINE), post("two", at=NINE + 3 * DAY))
    bot.approve_all()
    remember_owner(bot.data, DataOwner("test", Mode.REHEARSAL))
    yield bot
    bot.stop()


@pytest.fixture(scope="module", autouse=True)
def page() -> Iterator[None]:
    """Write what was told alike into the page that `OPERABILITY` names; the rest of it stays."""
    yield
    if wanted := os.environ.get("OPERABILITY"):
        page = Path(wanted)
        whole, mark, commands = page.read_text(encoding="utf-8").partition(COMMANDS_HEAD)
        before, _, after = whole.partition("## In the built image\n")
        tree = merged(before, ROWS["tree"], IN_PROCESS)
        image = merged(after, ROWS["image"], IN_IMAGE)
        lines = [HEAD, *TABLE, *tree, "", IMAGE_HEAD, *TABLE, *image, "", mark + commands]
        page.write_text("\n".join(lines), encoding="utf-8")


def merged(text: str, new: dict[str, str], faults: Sequence[Fault]) -> list[str]:
    """Return the rows of these faults: the new ones, and what stood there of the others."""
    old = {line.split(" | ")[0].removeprefix("| "): line for line in text.splitlines()}
    rows = old | new
    return [rows[fault.name] for fault in faults if fault.name in rows]


@pytest.mark.parametrize("fault", IN_PROCESS, ids=lambda fault: str(fault.name))
def test_every_signal_tells_the_same(bot: RunningBot, fault: Fault, inbox: Inbox) -> None:
    services = bot.services
    services.channels = channels_of((inbox.address, *fault.addresses))
    if fault.addresses:
        bot.desk.pause("so that there is something to tell", by="Ann")
        services.notifier.run()
    with serving(bot):
        assert fault.inject is not None
        fault.inject(bot)
        with suppress(StoreError):
            services.beat()
        services.notifier.run()
        monitor = Monitor(services.activity.is_alive, services.status)
        live, ready = monitor.answer("/livez")[0], monitor.answer("/readyz")
        desk = steady(bot.browser().get("/").text)
    matter = next((each for each in services.status().matters
                   if fault.key and each.key.startswith(fault.key)), None)  # fmt: skip
    assert (matter is not None) is bool(fault.key)
    text = steady(matter.text.partition("\n")[0]) if matter else ""
    is_urgent = matter is not None and fault.severity is Severity.ERROR

    schedule = services.contents.campaign().schedule
    said = "".join(each.text for each in status_of(bot.store, schedule, bot.clock).matters)
    told = {
        "readiness": (ready[0] == 503, text in steady(ready[2].decode())),
        "status": text in steady(said),
        "alert": any(text in steady(each) for each in inbox.texts) if matter else not inbox.texts,
        "desk": text in desk or (matter is not None and matter.page == "/held" and "Held" in desk),
    }  # fmt: skip

    assert (matter.severity if matter else fault.severity) is fault.severity
    assert (live == 200) is fault.is_alive
    assert told["readiness"] == (is_urgent, is_urgent or not text)
    assert told["alert"]
    if fault.is_readable:
        assert (told["status"], told["desk"]) == (True, True)
    paths = Paths(bot.tree.schedule, bot.tree.posts, bot.data)
    found = [
        each.what
        for each in examine(paths, ask=False)
        if fault.is_readable and (not each.is_well or (text and text in steady(each.told)))
    ]
    assert bool(found) is (matter is not None and fault.is_readable)  # its own database is there
    says = ("urgent" if is_urgent else "yes") if matter else "–"
    ROWS["tree"][fault.name] = _row(
        fault, says, live, ready[0], list(dict.fromkeys(found)), fault.within
    )


def _row(
    fault: Fault,
    says: str,
    live: int,
    ready: int,
    doctor: Sequence[str],
    within: str,
    desk: str = "",
) -> str:
    seen = says if fault.is_readable else "an error"
    probes = [code or "no answer" for code in (live, ready)]
    cells = (fault.name, *probes, seen, says, desk or seen, ", ".join(doctor) or "–", within)
    return "".join(f"| {cell} " for cell in cells) + "|"


# In the image


in_image = pytest.mark.skipif(not TREE, reason="IMAGE_TREE names no tree of an image")


@pytest.mark.slow
@in_image
@pytest.mark.parametrize("fault", IN_IMAGE, ids=lambda fault: str(fault.name))
def test_every_signal_of_the_image_tells_the_same(
    image_bot: ImageBot, fault: Fault, inbox: Inbox
) -> None:
    bot, is_urgent = image_bot, bool(fault.key) and fault.severity is Severity.ERROR
    assert not inbox.texts
    assert callable(fault.there)
    fault.there(bot)
    text, took = noticed(bot, fault, inbox)
    live, (ready, lines) = bot.ask("/livez")[0], bot.ask("/readyz")
    desk, status = steady(bot.desk()), steady(bot.status())
    findings = bot.doctor()

    assert (live == 200) is fault.is_alive
    assert (ready == 503, text in steady(lines)) == (is_urgent, is_urgent or not text)
    assert flat(text) in flat(status) or (not fault.is_readable and "error: " in status)
    is_shown = flat(text) in flat(desk) or (fault.key.startswith("HELD") and "Held" in desk)
    assert is_shown or (fault.is_shared and not fault.is_readable), desk
    wrong = tuple(each["what"] for each in findings if not each["is_well"])
    telling = [
        each["what"] for each in findings if text and flat(text) in flat(steady(each["told"]))
    ]
    assert wrong == fault.doctor, findings
    assert bool(wrong or telling) is bool(fault.key), findings
    says = ("urgent" if is_urgent else "yes") if fault.key else "–"
    desk, doctor = says if is_shown else "an error", list(dict.fromkeys((*wrong, *telling)))
    ROWS["image"][fault.name] = _row(fault, says, live, ready, doctor, took, desk)
    if is_urgent and not fault.is_alive:
        assert bot.process is not None
        wait_until(lambda: bot.process.poll() == STUCK, "it ended itself", log=bot.log)  # type: ignore[union-attr] # it runs


def flat(text: str) -> str:
    """Return words without the line breaks and marks that a terminal or a page puts in."""
    return "".join(re.findall(r"\w+", re.sub(r"<[^>]*>", "", text)))


def noticed(bot: ImageBot, fault: Fault, inbox: Inbox) -> tuple[str, str]:
    """Wait until an alert tells it; return its words, and how long that took."""
    begin = datetime.now(UTC)
    if not fault.key:
        wait_until(lambda: datetime.now(UTC) > begin + MINUTE / 4, "a while", every=1)
        assert not inbox.texts
        return "", "–"
    words: list[str] = []

    def is_told() -> bool:
        words[:] = [each for each in bot.words_of(fault.key) if any(
            flat(steady(each)) in flat(steady(got)) for got in inbox.texts)]  # fmt: skip
        return bool(words)

    took = seconds_until(is_told, fault.name, bot.log)
    return steady(words[0]), f"{took:.0f} s"
