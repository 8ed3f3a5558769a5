"""schedule.yaml as a typed value, with everything about it that does not fit together."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bot.content.fields import Known
from bot.content.model import Mode, Schedule
from bot.content.moments import FAR, gap
from bot.content.nodes import Node, Path
from bot.content.platform_keys import PlatformKeys, read_platform_keys
from bot.content.shape import problem, shape
from bot.content.slots import gaps
from bot.content.values import quoted, refuse_backwards
from bot.errors import Problem, Severity
from bot.platforms.spec import PlatformSpec


def build(
    node: Node, specs: Mapping[str, PlatformSpec], *, known: Known, now: datetime
) -> tuple[Schedule | None, list[Problem]]:
    """Read the schedule; None where anything keeps it from being one."""
    own = read_platform_keys(node, specs)
    written, problems = shape(Schedule, own.rest, known=known)
    problems += [*own.problems, *_repeated(node)]
    if written is None or own.problems:
        return None, problems
    schedule = _named(written, node, own)
    today = now.astimezone(ZoneInfo(schedule.timezone)).date()
    problems += _account_problems(schedule, node)
    problems += _pause_problems(schedule, node)
    problems += _slots_in_gaps(schedule, node, today)
    if schedule.mode is Mode.LIVE and not schedule.approvals_required:
        message = "0 in live mode: posts go out without a second person's eyes"
        where, severity = ["approvals_required"], Severity.WARNING
        problems.append(problem(node, where, message, "no-approvals", severity=severity))
    return schedule, problems


def _named(schedule: Schedule, node: Node, own: PlatformKeys) -> Schedule:
    """Fill in what things are called, and where they stand."""
    return replace(
        schedule,
        accounts={
            name: replace(
                one,
                name=name,
                own=own.accounts.get(name, {}),
                place=node.place_of(["accounts", name], key=True),
            )
            for name, one in schedule.accounts.items()
        },
        slots={name: replace(one, name=name) for name, one in schedule.slots.items()},
        queues={name: replace(one, name=name) for name, one in schedule.queues.items()},
        prices=own.prices,
        place=node.place,
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
            message = f"{quoted(str(texts[number]))} stands here twice; keep one"
            yield problem(node, [*path, number], message, "listed-twice")


def _second(entries: Iterable[Hashable]) -> Iterator[int]:
    """Yield the number of each entry that has come before; None never counts."""
    seen: set[Hashable] = set()
    for number, entry in enumerate(entries):
        if entry is not None and entry in seen:
            yield number
        seen.add(entry)


def _account_problems(schedule: Schedule, node: Node) -> Iterator[Problem]:
    accounts = schedule.accounts
    same = [
        (account.platform, account.server, account.handle.casefold()) if account.handle else None
        for account in accounts.values()
    ]
    for number in _second(same):
        path = ["accounts", list(accounts)[number], "handle"]
        message = "another account has this handle already; list each one once"
        yield problem(node, path, message, "listed-twice")


def _pause_problems(schedule: Schedule, node: Node) -> Iterator[Problem]:
    for number, pause in enumerate(schedule.pauses):
        try:
            refuse_backwards(pause.first, pause.last)
        except ValueError as error:
            yield problem(node, ["pauses", number, "to"], str(error), "value")


def _slots_in_gaps(schedule: Schedule, node: Node, today: date) -> Iterator[Problem]:
    zone = ZoneInfo(schedule.timezone)
    told: set[tuple[str, str]] = set()
    for moment in gaps(schedule, first=today, last=today + FAR):
        slot, at = moment.slot, f"{moment.local:%H:%M}"
        if (slot, at) not in told:
            told.add((slot, at))
            message = f"{gap(moment.local, moment.utc, zone)}, or add that day to skip"
            yield problem(node, ["slots", slot, "times"], message, "time-skipped")
