"""Each fault is told alike by every signal: probes, status, alert, dashboard, doctor.

``make operate`` writes what they told into docs/operability.md.
"""

import html
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.app.content import Paths
from bot.app.doctor import examine
from bot.app.storage import DataOwner, remember_owner
from bot.authority.tables import StopReason
from bot.content.model import Mode
from bot.db.sqlite import Room, free_bytes
from bot.errors import Severity, StoreError
from bot.operations.channels import channels_of
from bot.operations.status import status_of
from bot.web.server import Monitor
from tests.fakes.loopback import Inbox
from tests.fakes.running_bot import DAY, MINUTE, NINE, RunningBot, post
from tests.fakes.shipped import serving

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

NOBODY = "json://127.0.0.1:9/"
ROWS: list[str] = []


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong, and what every signal must say of it."""

    name: str
    inject: Callable[[RunningBot], object]
    #: In the key of its matter; empty where nothing must be told.
    key: str
    severity: Severity = Severity.ERROR
    within: str = "5 s"
    #: What VERBATIM_ALERTS names, beside an inbox.
    addresses: Sequence[str] = field(default_factory=tuple)
    is_alive: bool = True
    #: The database answers `status` and the dashboard.
    is_readable: bool = True


def steady(text: str) -> str:
    """Return a text without its numbers: room on a disk changes while a test looks."""
    return re.sub(r"\d+", "#", html.unescape(text))


def fill_disk(bot: RunningBot, share: float) -> None:
    bot.services.disk.room = Room(least_free=int(free_bytes(bot.data) * share))


def take_database_away(bot: RunningBot) -> None:
    def fail(*_arguments: object) -> None:
        raise StoreError("the database fails: connection refused")

    bot.store._db.read = bot.store._db.write = fail  # type: ignore[method-assign, assignment]


def stop_the_loop(bot: RunningBot) -> None:
    bot.clock.advance(3 * MINUTE)


def stop_a_worker(bot: RunningBot) -> None:
    bot.services.activity.begin("m")
    bot.clock.advance(11 * MINUTE)
    bot.services.activity.tick()


def half_copy(bot: RunningBot) -> None:
    bot.tree.put("posts/main.yaml", 'posts:\n  - id: one\n    text: "cut in the mid')
    bot.watch(broken=True)


def lapse(bot: RunningBot) -> None:
    bot.desk.pause("mourning", by="Ann")
    bot.wait(NINE + MINUTE)
    bot.desk.resume(by="Ann")
    bot.services.activity.tick()


WARNING = Severity.WARNING
FAULTS = (
    Fault("nothing", lambda _bot: None, ""),
    Fault("disk low", lambda bot: fill_disk(bot, 0.5), "disk@", WARNING, "1 min"),
    Fault("disk at its limit", lambda bot: fill_disk(bot, 2.0), "disk@"),
    Fault("database away, or its disk full or read-only", take_database_away, "database",
          is_readable=False),
    Fault("database broken", lambda bot: setattr(bot.services.inspector, "damage", "torn"),
          "damage@", within="1 d, and at each start"),
    Fault("clock off", lambda bot: bot.services.clock_guard.note_server_time(
        "m", bot.clock.now() + 2 * DAY), "clock@", within="the next call"),
    Fault("loop stuck", stop_the_loop, "stuck/the loop@", is_alive=False,
          within="2 min, then the process ends"),
    Fault("worker stuck", stop_a_worker, "stuck/m@", within="10 min"),
    Fault("account stopped: its token lacks a scope, or was revoked",
          lambda bot: bot.store.accounts.stop("m", StopReason.UNAUTHORIZED, "403", bot.clock.now()),
          "stopped/m", within="the next call"),
    Fault("secret missing", lambda bot: bot.services.verifier.failing.update(m="missing"),
          "unchecked/m"),
    Fault("alert channel dead", lambda _bot: None, "channel/address 2", addresses=(NOBODY,),
          within="the next alert"),
    Fault("half-copied files", half_copy, "content@", WARNING, "10 s"),
    Fault("paused", lambda bot: bot.desk.pause("mourning", by="Ann"), "paused", WARNING),
    Fault("posts held", lapse, "HELD/paused", WARNING),
)  # fmt: skip


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[RunningBot]:
    """Return a rehearsal at work whose data directory knows it; its desk needs no password."""
    bot = RunningBot(tmp_path)
    bot.set("mode: live", "mode: rehearsal")
    bot.url = f"sqlite:///{bot.data / 'rehearsal.db'}"
    bot.start_with(post("one", at=NINE), post("two", at=NINE + 3 * DAY))
    bot.approve_all()
    remember_owner(bot.data, DataOwner("test", Mode.REHEARSAL))
    yield bot
    bot.stop()


@pytest.fixture(scope="module", autouse=True)
def page() -> Iterator[None]:
    """Write the page that `OPERABILITY` names, if every fault was told alike."""
    yield
    wanted = os.environ.get("OPERABILITY")
    if wanted and len(ROWS) == len(FAULTS):
        head = "| fault | `/livez` | `/readyz` | `status` | alert | dashboard | `doctor` | within |"
        lines = [HEAD, head, "| --- " * 8 + "|", *ROWS, ""]
        Path(wanted).write_text("\n".join(lines), encoding="utf-8")


HEAD = """\
# What each fault looks like

Written by `make operate`, which injects each fault into a bot at work and reads every signal.
It fails where two of them disagree: all say the words of one matter, or none of them does.
"""


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.name))
def test_every_signal_tells_the_same(bot: RunningBot, fault: Fault, inbox: Inbox) -> None:
    services = bot.services
    services.channels = channels_of((inbox.address, *fault.addresses))
    if fault.addresses:
        bot.desk.pause("so that there is something to tell", by="Ann")
        services.notifier.run()
    with serving(bot):
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
    found = [each.what for each in examine(Paths(bot.tree.schedule, bot.tree.posts, bot.data),
                                           ask=False) if not each.is_well]  # fmt: skip
    ROWS.append(_row(fault, live, is_urgent, matter is not None, found))


def _row(fault: Fault, live: int, is_urgent: bool, is_told: bool, doctor: list[str]) -> str:
    says = ("urgent" if is_urgent else "yes") if is_told else "–"
    seen = says if fault.is_readable else "an error"
    ready = 503 if is_urgent else 200
    known = ", ".join(doctor) or "–"
    cells = (fault.name, live, ready, seen, says, seen, known, fault.within)
    return "".join(f"| {cell} " for cell in cells) + "|"
