"""schedule.yaml as a typed value, with everything about it that does not fit together."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bot.content.known import Known
from bot.content.models import AccountModel, ScheduleModel
from bot.content.moments import FAR, gap
from bot.content.nodes import Node, Path
from bot.content.shape import problem, shape
from bot.content.values import WEEKDAYS, refuse_backwards
from bot.content.words import quoted
from bot.core.campaign import Account, Consent, Mode, Pause, Place, Queue, Schedule, Slot
from bot.core.slots import dates, gaps
from bot.errors import Problem, Severity


def build(node: Node, *, known: Known, now: datetime) -> tuple[Schedule | None, list[Problem]]:
    """Read the schedule; None where anything keeps it from being one."""
    model, problems = shape(ScheduleModel, node, known=known)
    problems += _repeated(node)
    if model is None:
        return None, problems
    today = now.astimezone(ZoneInfo(model.timezone)).date()
    problems += _account_problems(model, node)
    problems += _pause_problems(model, node)
    schedule = _schedule(model, node)
    problems += _slots_in_gaps(schedule, node, today)
    if model.mode == Mode.LIVE and not model.approvals_required:
        message = "0 in live mode: posts go out without a second person's eyes"
        where = ["approvals_required"]
        problems.append(problem(node, where, message, severity=Severity.WARNING))
    return schedule, problems


def _schedule(model: ScheduleModel, node: Node) -> Schedule:
    return Schedule(
        campaign=model.campaign,
        timezone=model.timezone,
        mode=Mode(model.mode),
        approvals_required=model.approvals_required,
        not_after=model.not_after,
        coalition=model.coalition,
        hashtags=model.hashtags,
        accounts={
            name: _account(name, account, node.place_of(["accounts", name], key=True))
            for name, account in model.accounts.items()
        },
        slots={
            name: Slot(
                name,
                frozenset(WEEKDAYS.index(weekday) for weekday in slot.weekdays),
                tuple(sorted(slot.times)),
                frozenset(slot.skip),
                node.place_of(["slots", name], key=True),
            )
            for name, slot in model.slots.items()
        },
        queues={
            name: Queue(
                name,
                queue.slots,
                queue.order,
                queue.repeat_after,
                node.place_of(["queues", name], key=True),
            )
            for name, queue in model.queues.items()
        },
        pauses=tuple(
            Pause(pause.first, pause.last, pause.reason, node.place_of(["pauses", number]))
            for number, pause in enumerate(model.pauses)
        ),
        quiet=frozenset(day for first, last in model.quiet for day in dates(first, last)),
        x_prices=model.x_prices,
        similarity=model.similarity,
        similarity_days=model.similarity_days,
        graphic_per_day=model.graphic_per_day,
        file=node.place.file,
    )


def _account(name: str, model: AccountModel, place: Place) -> Account:
    consent = Consent(model.consent.by, model.consent.on) if model.consent else None
    return Account(
        name,
        model.platform,
        **model.model_dump(exclude={"platform", "consent"}),
        consent=consent,
        place=place,
    )


def _repeated(node: Node) -> Iterator[Problem]:
    """Find what stands twice in a list where once says it all."""
    paths: list[Path] = [["coalition"], ["hashtags"], ["themes"], ["quiet"]]
    paths += [["queues", name, "slots"] for name in node.names("queues")]
    for name in node.names("slots"):
        paths += [["slots", name, key] for key in ("weekdays", "times", "skip")]
    for path in paths:
        owner = node.nearest(path[:-1])
        texts = [entry.value for entry in owner.entries(str(path[-1]))]
        folded = [text.casefold() if isinstance(text, str) else None for text in texts]
        for number in _second(folded):
            yield problem(
                node, [*path, number], f"{quoted(str(texts[number]))} stands here twice; keep one"
            )


def _second(entries: Iterable[Hashable]) -> Iterator[int]:
    """Yield the number of each entry that has come before; None never counts."""
    seen: set[Hashable] = set()
    for number, entry in enumerate(entries):
        if entry is not None and entry in seen:
            yield number
        seen.add(entry)


def _account_problems(model: ScheduleModel, node: Node) -> Iterator[Problem]:
    accounts = model.accounts
    same = [
        (account.platform, account.server, account.handle.casefold()) if account.handle else None
        for account in accounts.values()
    ]
    for number in _second(same):
        path = ["accounts", list(accounts)[number], "handle"]
        yield problem(node, path, "another account has this handle already; list each one once")


def _pause_problems(model: ScheduleModel, node: Node) -> Iterator[Problem]:
    for number, pause in enumerate(model.pauses):
        try:
            refuse_backwards(pause.first, pause.last)
        except ValueError as error:
            yield problem(node, ["pauses", number, "to"], str(error))


def _slots_in_gaps(schedule: Schedule, node: Node, today: date) -> Iterator[Problem]:
    zone = ZoneInfo(schedule.timezone)
    told: set[tuple[str, str]] = set()
    for moment in gaps(schedule, first=today, last=today + FAR):
        slot, at = moment.slot, f"{moment.local:%H:%M}"
        if (slot, at) not in told:
            told.add((slot, at))
            message = f"{gap(moment.local, moment.utc, zone)}, or add that day to skip"
            yield problem(node, ["slots", slot, "times"], message)
