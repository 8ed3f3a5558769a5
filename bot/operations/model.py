"""What is judged of a running service, and what comes of it; times are UTC."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from bot.authority.audit import AuditRow
from bot.authority.pauses import PauseState
from bot.authority.tables import StopReason
from bot.content.model import Schedule
from bot.delivery.model import Delivery
from bot.errors import Severity

#: Beginning of the key of what happened: nobody settles it, so nobody hears that it is over.
EVENT = "event/"
#: End of the key of what will be urgent: being that, it is no longer told, and not over.
SOON = "/soon"
#: Beginning of the key of what one person was told.
PERSONAL = "to/"


class Obstacle(StrEnum):
    """Why something that is due does not go."""

    DATABASE = "database"
    WORKER = "worker"
    DISK = "disk"
    CLOCK = "clock"
    SETTLING = "settling"
    PAUSED = "paused"
    STOPPED = "stopped"
    UNAPPROVED = "unapproved"
    LOCK = "lock"
    LIMITS = "limits"


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What one process says of itself, in its sign of life too; empty texts where all is well."""

    worker: str
    machine: str
    clock: str = ""
    damage: str = ""
    #: What the log of decisions does not confirm.
    forged: str = ""
    #: What is wrong with the files on disk.
    files: str = ""
    #: Why nothing is begun for want of room.
    disk: str = ""
    #: When that will be so.
    disk_soon: str = ""
    disk_free: int = 0
    #: By account: since when its worker has been at the same step.
    stuck: Mapping[str, str] = field(default_factory=dict)
    #: By account: why it could not be looked at, before which it sends nothing.
    unchecked: Mapping[str, str] = field(default_factory=dict)
    #: By account: posts that do not fit what its server tells.
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)
    #: By its place in VERBATIM_ALERTS: why a channel of alerts fails.
    channels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What the database tells of one account."""

    name: str
    platform: str
    #: Why no call is made for it.
    stops: Mapping[StopReason, str] = field(default_factory=dict)
    budget: float | None = None
    #: US dollars left this month; None without a budget.
    budget_left: float | None = None
    next_due: datetime | None = None
    #: The oldest that is due and neither out nor held.
    waiting: Delivery | None = None
    #: Approvals that the next one lacks.
    missing: int = 0

    @property
    def stopped(self) -> str:
        return "; ".join(self.stops.values())


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """All that is judged."""

    now: datetime
    #: None where it cannot be read.
    schedule: Schedule | None
    #: Why the database cannot be asked; then nothing else of it is known.
    database: str = ""
    machines: Sequence[MachineFacts] = ()
    #: When a replica last gave a sign of life that did not end in order, by its machine.
    silent: Mapping[str, str] = field(default_factory=dict)
    #: Why everything is paused, by whom and until when; empty where it is not.
    paused: str = ""
    #: Pauses that last, the widest and strictest first.
    pauses: Sequence[PauseState] = ()
    settling: str = ""
    accounts: Sequence[AccountFacts] = ()
    #: Held and failed ones.
    held: Sequence[Delivery] = ()
    #: What is due soon, and the approvals that it lacks.
    unapproved: Sequence[tuple[Delivery, int]] = ()
    counts: Counter[str] = field(default_factory=Counter)
    last_sent: datetime | None = None
    #: Lately, what silences, or was done to an account by somebody else.
    alarms: Sequence[AuditRow] = ()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.schedule.timezone if self.schedule else "UTC")

    @property
    def workers(self) -> tuple[str, ...]:
        return tuple(machine.worker for machine in self.machines if machine.worker)


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing that needs a person; they are told of it until it is settled."""

    #: Its cause: people hear of one at most once an hour.
    key: str
    #: An ERROR keeps posts from going out, or people from hearing of it.
    severity: Severity
    text: str
    #: What settles it: words after the program's name; NAME and ADDRESS are the reader's.
    command: str = ""
    #: Where the dashboard has it.
    page: str = "/"


@dataclass(frozen=True, slots=True)
class AccountLine:
    """How one account stands."""

    name: str
    platform: str
    #: Empty where it may send.
    stopped: str
    budget_left: float | None
    next_due: datetime | None
    #: How late the oldest is that is due and neither out nor held, in seconds.
    overdue_seconds: float
    #: Why nothing goes out now; None where nothing stands in the way.
    obstacle: Obstacle | None
    why: str


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """A moment's answer."""

    at: datetime
    campaign: str
    mode: str
    paused: str
    #: Those of everything too.
    pauses: tuple[PauseState, ...]
    settling: str
    #: What is broken in the database, as the service found; empty where nothing is.
    damage: str
    workers: tuple[str, ...]
    accounts: tuple[AccountLine, ...]
    counts: Counter[str]
    next_due: datetime | None
    last_sent: datetime | None
    #: Bytes on the fullest disk of a data directory; None where no service says.
    disk_free: int | None
    matters: tuple[Matter, ...]

    @property
    def errors(self) -> tuple[Matter, ...]:
        """Return what keeps the promise from being kept."""
        return tuple(each for each in self.matters if each.severity is Severity.ERROR)

    @property
    def is_ready(self) -> bool:
        return not self.errors
