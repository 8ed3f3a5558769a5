"""Pauses: of everything, an account, a theme or a language; until a person or their time ends them.

A pause ends only by a row of the log. So a clock that jumps ahead, or a service that stands still,
ends none; see `AuthorityStore.end_pauses`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select, update

from bot.authority.audit import AuditRow
from bot.authority.tables import PauseScope, pause
from bot.canonical import JsonObject
from bot.content import values
from bot.content.zones import LocalTimeKind, resolve, shown
from bot.db.database import Repository
from bot.errors import DecisionError

_P = pause.c
_LASTING = _P.resumed_at.is_(None)
PAUSE, RESUME = "pause", "resume"
#: In the log: ended a pause whose time was over.
SERVICE = "service"
#: A column of the outbox, or what one delivery has there.
_Text = ColumnElement[str] | str


@dataclass(frozen=True, slots=True)
class PauseTarget:
    """What is paused."""

    scope: PauseScope = PauseScope.EVERYTHING
    #: Account, theme or language, as a tag in small letters; empty for everything.
    value: str = ""

    def __str__(self) -> str:
        return f"{self.scope} {self.value}".strip()

    @property
    def option(self) -> str:
        """Return how the verbs `pause` and `resume` name it, with a space before."""
        name = "lang" if self.scope is PauseScope.LANGUAGE else self.scope
        return f" --{name} {self.value}" if self.value else ""

    def logged(self, until: datetime | None = None) -> JsonObject:
        """Return what the log keeps of an end: of all its pauses, or of those over by then."""
        ends = until.isoformat() if until else None
        return {"scope": self.scope.name, "value": self.value, "until": ends}

    def covers(self, account: str, theme: str, lang: str) -> bool:
        """Whether a post on an account is paused; the same as `covering` in SQL."""
        match self.scope:
            case PauseScope.EVERYTHING:
                return True
            case PauseScope.ACCOUNT:
                return self.value == account
            case PauseScope.THEME:
                return self.value == theme
            case PauseScope.LANGUAGE:
                return f"{lang.lower()}-".startswith(f"{self.value}-")


EVERYTHING = PauseTarget()


def pause_target(scope: PauseScope, value: str, known: Iterable[str]) -> PauseTarget:
    """Return what to pause, or DecisionError where nothing has such a value.

    A word that was mistyped must not pass for a pause.
    """
    if scope is PauseScope.EVERYTHING:
        return EVERYTHING
    target = PauseTarget(scope, value.lower() if scope is PauseScope.LANGUAGE else value)
    known = sorted(set(known) - {""})
    if not any(target.covers(each, each, each) for each in known):
        raise DecisionError(f"no post has the {scope} {value!r}: {values.suggestion(value, known)}")
    return target


@dataclass(frozen=True, slots=True)
class PauseState:
    """A pause that lasts."""

    reason: str
    by: str
    at: datetime
    #: Nothing is read either.
    all_calls: bool = False
    target: PauseTarget = EVERYTHING
    #: When it ends by itself; None: when somebody resumes.
    until: datetime | None = None

    def text(self, zone: ZoneInfo) -> str:
        """Return why, who and until when, for people."""
        until = f", until {shown(self.until, zone)}" if self.until else ""
        return f"{self.reason} ({self.by}){until}"

    @property
    def detail(self) -> str:
        """What of a post is paused; empty where everything is."""
        return str(self.target) if self.target != EVERYTHING else ""

    def includes(self, other: Self) -> bool:
        """Whether the other one would add nothing to this one."""
        lasts = self.until is None or (other.until is not None and other.until <= self.until)
        return self.target == other.target and lasts and self.all_calls >= other.all_calls

    def outlasts(self, until: datetime | None) -> bool:
        """Whether it goes on though all that end by then are ended; None ends all."""
        return until is not None and (self.until is None or self.until > until)

    def logged(self) -> JsonObject:
        """Return what the log keeps beside who, when and why."""
        return {**self.target.logged(self.until), "all_calls": self.all_calls}


def covering(account: _Text, theme: _Text, lang: _Text) -> Select[Any]:
    """Return the query of the pauses that last and are of such a post on such an account."""
    texts = (literal(each) if isinstance(each, str) else each for each in (account, theme, lang))
    where, about, tag = texts
    return select(_P.id).where(
        _LASTING,
        or_(
            _P.scope == PauseScope.EVERYTHING,
            and_(_P.scope == PauseScope.ACCOUNT, _P.value == where),
            and_(_P.scope == PauseScope.THEME, _P.value == about),
            and_(
                _P.scope == PauseScope.LANGUAGE,
                func.substr(func.lower(tag).concat("-"), 1, func.length(_P.value) + 1)
                == _P.value.concat("-"),
            ),
        ),
    )


def first_covering(
    pauses: Iterable[PauseState], account: str, theme: str, lang: str
) -> PauseState | None:
    """Return the first of the pauses that is of such a post on such an account."""
    return next((each for each in pauses if each.target.covers(account, theme, lang)), None)


def pause_at(
    pauses: Iterable[PauseState], at: datetime, account: str, theme: str, lang: str
) -> PauseState | None:
    """Return the first of the pauses that is of such a post and lasts until after a moment."""
    return first_covering((each for each in pauses if each.outlasts(at)), account, theme, lang)


def until_of(typed: str, *, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Read when a pause ends: a local time, or one with its offset; empty is never by itself.

    DecisionError where it is no such time, is past, or a clock shows it twice or not at all.
    """
    if not typed.strip():
        return None
    try:
        moment = values.moment(typed.strip())
    except ValueError as error:
        raise DecisionError(f"the end: {error}") from error
    if moment.tzinfo is None:
        found = resolve(moment, zone)
        if found.kind is not LocalTimeKind.ONCE:
            raise DecisionError(f"{typed} is not one moment in {zone.key}; add its offset or a Z")
        moment = found.utc
    if moment <= now:
        raise DecisionError(f"{typed} is past; say when the pause ends")
    return moment


class Pauses(Repository):
    """A pause may come on top of others; all are kept, and each ends on its own."""

    def pause(self, new: PauseState) -> bool:
        """Stop what readers could see of the target, or all calls; False where one includes it."""
        if any(each.includes(new) for each in self.lasting()):
            return False
        self.add(new)
        return True

    def add(self, *new: PauseState) -> None:
        """Store pauses as they are."""
        for each in new:
            row = {name: getattr(each, name) for name in ("reason", "by", "all_calls", "until")}
            row |= {"paused_at": each.at, "scope": each.target.scope, "value": each.target.value}
            self._change(pause.insert().values(row))

    def resume(self, by: str, now: datetime, target: PauseTarget = EVERYTHING) -> bool:
        """Let the target go on, and nothing else; False where just that was not paused."""
        ended = update(pause).where(_LASTING, _of(target)).values(resumed_at=now, resumed_by=by)
        return self._change(ended) > 0

    def lasting(self) -> tuple[PauseState, ...]:
        """Read the pauses that last, the widest and strictest first."""
        found = [
            PauseState(row.reason, row.by, row.paused_at, row.all_calls,
                       PauseTarget(row.scope, row.value), row.until)
            for row in self._rows(select(pause).where(_LASTING).order_by(_P.id))
        ]  # fmt: skip
        scopes = list(PauseScope)
        found.sort(key=lambda each: (scopes.index(each.target.scope), not each.all_calls))
        return tuple(found)

    def end(self, over: PauseState, now: datetime) -> bool:
        """End what is over; False where another process, or a person, was faster."""
        those = and_(_LASTING, _of(over.target), _P.until <= over.until)
        ended = update(pause).where(those).values(resumed_at=now, resumed_by=SERVICE)
        return self._change(ended) > 0

    def current(self) -> PauseState | None:
        """Return the pause of everything that lasts; the strictest of several."""
        return next((each for each in self.lasting() if each.target == EVERYTHING), None)

    def of(self, account: str, theme: str, lang: str) -> PauseState | None:
        """Return the widest pause of such a post on such an account; None where it may go."""
        return first_covering(self.lasting(), account, theme, lang)


def _of(target: PauseTarget) -> ColumnElement[bool]:
    return and_(_P.scope == target.scope, _P.value == target.value)


def pauses_in(rows: Iterable[AuditRow]) -> tuple[PauseState, ...]:
    """Return the pauses that the rows of the log, oldest first, leave lasting."""
    lasting: list[PauseState] = []
    for row in rows:
        if row.verb not in {PAUSE, RESUME} or "scope" not in row.detail:
            continue
        target = PauseTarget(PauseScope[row.detail["scope"]], row.detail["value"])
        ends = row.detail.get("until")
        until = datetime.fromisoformat(ends) if ends else None
        if row.verb == PAUSE:
            calls = bool(row.detail.get("all_calls"))
            lasting.append(PauseState(row.why, row.who, row.at, calls, target, until))
        else:
            lasting = [each for each in lasting if each.target != target or each.outlasts(until)]
    return tuple(lasting)
