"""schedule.yaml as a typed value, with everything about it that does not fit together."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from bot.content.fields import PRICE, Known, ReadWith, account_value
from bot.content.model import Mode, Schedule
from bot.content.shape import Problems, repeats, shape
from bot.content.slots import FAR, skipped, slot_times
from bot.content.values import kind, quoted, refuse_backwards, suggestion
from bot.content.yamlfile import Node, Path
from bot.content.zones import LocalTimeKind, fixed_offset, offsets
from bot.errors import Severity
from bot.platforms.spec import EVERYONE, AccountKey, PlatformSpec

_SECOND = timedelta(seconds=1)


def build(
    node: Node,
    specs: Mapping[str, PlatformSpec],
    problems: Problems,
    *,
    known: Known,
    now: datetime,
) -> Schedule | None:
    """Read the schedule; None where anything keeps it from being one."""
    before = len(problems)
    own, prices = _take_own_keys(node, specs, problems), _take_prices(node, specs, problems)
    is_broken = len(problems) > before
    written = shape(Schedule, node, problems, known=known)
    _refuse_repeated(node, problems)
    if written is None or is_broken:
        return None
    places = node.nearest(["accounts"]).keys
    schedule = replace(
        written,
        accounts={
            name: replace(account, name=name, own=own[name], place=places[name])
            for name, account in written.accounts.items()
        },
        slots={name: replace(slot, name=name) for name, slot in written.slots.items()},
        queues={name: replace(queue, name=name) for name, queue in written.queues.items()},
        prices=prices,
        place=node.place,
        places=dict(node.keys),
    )
    _refuse_contradictions(schedule, node, problems)
    _refuse_unsupported(schedule, node, specs, problems)
    _refuse_gaps(schedule, node, now, problems)
    return schedule


def _refuse_repeated(node: Node, problems: Problems) -> None:
    """Refuse what stands twice in a list where once says it all."""
    paths: list[Path] = [["coalition"], ["hashtags"], ["themes"], ["quiet"]]
    paths += [["queues", name, "slots"] for name in node.names("queues")]
    for name in node.names("slots"):
        paths += [["slots", name, key] for key in ("weekdays", "times", "skip")]
    for path in paths:
        texts = node.nearest(path[:-1]).texts(str(path[-1]))
        for number in repeats(text and text.casefold() for text in texts):
            message = f"{quoted(str(texts[number]))} stands here twice; keep one"
            problems.add(node, [*path, number], message, "listed-twice")


def _refuse_contradictions(schedule: Schedule, node: Node, problems: Problems) -> None:
    accounts = [*schedule.accounts.values()]
    same = ((each.platform, each.server, each.handle.casefold()) if each.handle else None
            for each in accounts)  # fmt: skip
    for number in repeats(same):
        path: Path = ["accounts", accounts[number].name, "handle"]
        message = "another account has this handle already; list each one once"
        problems.add(node, path, message, "listed-twice")
    for number, pause in enumerate(schedule.pauses):
        try:
            refuse_backwards(pause.first, pause.last)
        except ValueError as error:
            problems.add(node, ["pauses", number, "to"], str(error), "value")
    if offset := fixed_offset(schedule.timezone):
        problems.add(node, ["timezone"], offset, "zone-fixed", severity=Severity.WARNING)
    if schedule.mode is Mode.LIVE and not schedule.approvals_required:
        message = "0 in live mode: posts go out without a second person's eyes"
        path = ["approvals_required"]
        problems.add(node, path, message, "no-approvals", severity=Severity.WARNING)


def _refuse_unsupported(
    schedule: Schedule, node: Node, specs: Mapping[str, PlatformSpec], problems: Problems
) -> None:
    """Refuse what an account's platform does not have: a kind of handle, limits of who answers."""
    for name, account in schedule.accounts.items():
        spec, handle = specs[account.platform], account.handle
        if spec.handle_domain and handle and ("@" in handle or "." not in handle):
            meant = f"{handle.partition('@')[0]}.{spec.handle_domain}"
            message = f"a handle on {spec.label} is a domain; write `handle: {meant}`"
            problems.add(node, ["accounts", name, "handle"], message, "value")
        for key in ("replies", "quotes"):
            wanted, possible = getattr(account, key), (EVERYONE, *getattr(spec.limits, key))
            if wanted is not None and wanted not in possible:
                message = (
                    f"{spec.label} cannot limit {key} of {name} to {quoted(wanted)}; "
                    f"write `{key}: {possible[-1]}` (there are: {', '.join(possible)})"
                )
                problems.add(node, ["accounts", name, key], message, "control-unsupported")


def _refuse_gaps(schedule: Schedule, node: Node, now: datetime, problems: Problems) -> None:
    """Refuse the times of slots that a clock change skips, each at its first day."""
    zone, found = ZoneInfo(schedule.timezone), set()
    for change, _ahead in offsets(zone, now, now + FAR)[:-1]:
        # What is skipped may be on both sides of midnight.
        days = [(change - before).astimezone(zone).date() for before in (_SECOND, timedelta(0))]
        for moment in chain.from_iterable(
            slot_times(slot, zone=zone, first=days[0], last=days[1])
            for slot in schedule.slots.values()
        ):
            key = moment.slot, moment.local.time()
            if moment.instant.kind is LocalTimeKind.GAP and key not in found:
                found.add(key)
                message = f"{skipped(moment.local, moment.utc, zone)}, or add that day to skip"
                problems.add(node, ["slots", moment.slot, "times"], message, "time-skipped")


def _take_prices(
    node: Node, specs: Mapping[str, PlatformSpec], problems: Problems
) -> dict[str, dict[str, float]]:
    """Read by platform what its calls cost, and take these keys out of the schedule."""
    prices: dict[str, dict[str, float]] = {}
    for spec in specs.values():
        listed = node.child(spec.prices_key) if spec.prices else None
        if listed is None:
            continue
        prices[spec.name] = {}
        if not isinstance(listed.value, dict):
            message = f"{kind(listed.value)}; write keys and values, such as `key: value`"
            problems.add(node, [spec.prices_key], message, "value")
        for action in node.names(spec.prices_key):
            path = [spec.prices_key, action]
            if action in spec.prices:
                _read(prices[spec.name], node, path, PRICE, problems)
            else:
                message = f"no price {quoted(action)}; {suggestion(action, spec.prices)}"
                problems.add(node, path, message, "unknown-name", on_key=True)
        node.drop(spec.prices_key)
    return prices


def _take_own_keys(
    node: Node, specs: Mapping[str, PlatformSpec], problems: Problems
) -> dict[str, dict[str, Any]]:
    """Read by account what only platforms know, and take these keys out of the schedule."""
    own: dict[str, dict[str, Any]] = {}
    owners: dict[str, dict[str, AccountKey]] = {}
    for owner in specs.values():
        for known in owner.account_keys:
            owners.setdefault(known.name, {})[owner.label] = known
    accounts = node.nearest(["accounts"])
    for name in node.names("accounts"):
        own[name] = {}
        account = accounts.nearest([name])
        spec = specs.get(account.text("platform") or "")
        for key in (key for key in accounts.names(name) if key in owners):
            path = ["accounts", name, key]
            if spec and spec.label in owners[key]:
                _read(own[name], node, path, account_value(owners[key][spec.label]), problems)
            elif spec:  # who names no known platform is told that
                labels = " and ".join(owners[key])
                message = f"{spec.label} has no key {quoted(key)}, only {labels}; take it away"
                problems.add(node, path, message, "unknown-key", on_key=True)
            account.drop(key)
    return own


def _read(
    into: dict[str, Any], node: Node, path: Path, reader: ReadWith, problems: Problems
) -> None:
    try:
        into[str(path[-1])] = reader.read(node.nearest(path).plain())
    except ValueError as error:
        problems.add(node, path, str(error), "value")
