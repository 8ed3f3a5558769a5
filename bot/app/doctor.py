"""Looks at all that a service start needs, one thing after another, and starts nothing."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.app.connections import SECRETS_FOLDER, Connections
from bot.app.content import Paths, prove_files
from bot.app.storage import (
    create_store,
    existing_store,
    has_store,
    owner_for,
    prove_content,
    settings,
    unused_secrets,
)
from bot.authority.account_verifier import unfit
from bot.authority.trust import ConfigurationGuard
from bot.clock import SystemClock
from bot.content.model import Account, Campaign, Mode
from bot.content.zones import shown
from bot.db.diskspace import MEBIBYTE
from bot.delivery.links import looks
from bot.engine.clock_guard import ClockGuard
from bot.errors import BotError
from bot.operations.channels import Alert, channels_of
from bot.operations.disk import DiskWatch
from bot.operations.status import SILENT
from bot.planning.store import Store
from bot.rendering.cards.typefaces import require_raqm
from bot.settings import Settings, prepare_data
from bot.web.server import address_of


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    is_well: bool
    told: str


def examine(paths: Paths, *, ask: bool, send: bool = False) -> Iterator[Finding]:
    """Look at everything that `run` needs, by what `run` itself calls, so in the same words.

    What is wrong does not keep the rest from being looked at.

    Args:
        ask: Each account's server is asked.
        send: Each address of alerts gets one.
    """
    yield _tried("text shaping (Raqm, FriBiDi)", require_raqm, "there")
    yield (finding := _tried("settings", settings, "all known"))
    signers = settings().content_signers if finding.is_well else None
    try:
        loaded = prove_content(paths)
    except BotError:  # of the settings or the database, which have findings of their own
        loaded = prove_files(paths.config, paths.posts, signers=signers)
    count = len(loaded.problems)
    text = f"{count} problem(s), warning(s) or notice(s); see `check`" if count else "no problem"
    yield Finding("content", loaded.campaign is not None, text)
    if loaded.campaign is None or not finding.is_well:
        return
    for line in unused_secrets(loaded.campaign):
        yield Finding("secret", False, line)
    campaign, known = loaded.campaign, settings()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory()))
        mode, clock = campaign.schedule.mode, SystemClock()
        try:
            owner_for(paths, loaded.loaded)
            if has_store(mode, paths.data, known):
                store = existing_store(mode, paths.data, known=known, clock=clock)
                text = f"{mode.value}, sound"
            else:
                store = create_store(mode, scratch, known=Settings(), clock=clock)
                text = "none yet; the first `run` creates it"
        except BotError as error:
            yield Finding("database", False, str(error))
            return
        stack.enter_context(closing(store))
        yield _database(store, text)
        if not has_store(mode, paths.data, known):
            ConfigurationGuard(store, clock).record_first(campaign)  # as the first `run` would
        yield from _machine(paths, known, store)
        yield from _links(campaign, known, store)
        yield from _alerts(known, mode, send=send)
        clock_guard = ClockGuard(clock)
        connections = Connections(
            store, clock, known, lambda: campaign, scratch / "rehearsed.db",
            heard=clock_guard.note_server_time, kept=paths.data.absolute() / SECRETS_FOLDER,
        )  # fmt: skip
        stack.enter_context(closing(connections))
        for account in campaign.schedule.accounts.values():
            yield _account(account, connections, mode, ask=ask)
        why, now = clock_guard.why(), shown(clock.now(), campaign.zone)
        yield Finding("clock", not why, why or f"{now} in {campaign.schedule.timezone}")


def _database(store: Store, text: str) -> Finding:
    """Look through all of it, as `run` does at its start."""
    damage = store.find_damage()
    return Finding("database", not damage, f"broken: {damage}" if damage else text)


def _machine(paths: Paths, known: Settings, store: Store) -> Iterator[Finding]:
    """Look at the disk, at other processes, and at what this one would listen on."""
    directory = paths.data.absolute()
    while not directory.exists():
        directory = directory.parent
    disk = DiskWatch(directory, store.room)
    why = disk.why() or disk.soon()
    yield Finding("disk", not why, why or f"{disk.free() // MEBIBYTE} MB are left")
    if paths.data.exists():
        yield _tried("data directory", lambda: prepare_data(paths.data), str(directory))
    workers = [beat.name for beat in store.workers.alive(SystemClock().now(), within=SILENT)]
    text = f"at work: {', '.join(workers)}; one more stands by" if workers else "none is at work"
    yield Finding("`run`", True, text)
    has_users = bool(store.users.all())
    yield _tried("dashboard", lambda: address_of(known, has_users=has_users), known.web)
    for place in {known.web, known.monitor} - {"off"}:
        taken = "" if workers else _why_taken(place)
        yield Finding(f"port {place}", not taken, taken or "free, or our own")


def _links(campaign: Campaign, known: Settings, store: Store) -> Iterator[Finding]:
    """Tell what the last looks at links found; none is made here."""
    seen = looks(store)
    listed = [each for each in campaign.investigations.values() if each.address]
    for each in listed:
        look = seen.get(each.address)
        if look and not look.is_there:
            yield Finding(f"link {each.id}", not look.is_gone, str(look))
    looked = sum(each.address in seen for each in listed)
    how = "looked at weekly" if known.links == "weekly" else "VERBATIM_LINKS is off"
    yield Finding("links", True, f"{looked} of {len(listed)} were looked at; {how}")


def _why_taken(place: str) -> str:
    host, _colon, port = place.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host.strip("[]"), int(port)), family=family).close()
    except OSError as error:
        return f"cannot be listened on: {error.strerror}"
    return ""


def _alerts(known: Settings, mode: Mode, *, send: bool) -> Iterator[Finding]:
    addresses = tuple(map(str, known.alerts))
    if not addresses:
        text = "VERBATIM_ALERTS names nobody, so nobody is told what needs a person"
        yield Finding("alerts", mode is not Mode.LIVE, text)
        return
    yield (finding := _tried("alerts", lambda: channels_of(addresses), "known to Apprise"))
    for channel in channels_of(addresses).all if send and finding.is_well else ():
        channel.send(Alert("Verbatim: a test", "`doctor --send` sent this; nothing is wrong."))
        yield Finding(channel.name, not channel.failing, channel.failing or "took a test")


def _tried(what: str, look: Callable[[], object], text: str) -> Finding:
    try:
        look()
    except BotError as error:
        return Finding(what, False, str(error))
    return Finding(what, True, text)


def _account(account: Account, connections: Connections, mode: Mode, *, ask: bool) -> Finding:
    try:
        platform = connections.platform(account.name)
        if not ask:
            return Finding(account.name, True, "secrets are there")
        profile, seen = platform.profile(), platform.abilities()
    except BotError as error:
        return Finding(account.name, False, str(error))
    why = unfit(account, profile, mode)
    state = connections.store.accounts.get(account.name)
    probed = state.profile.get("probe", {}).get("server", profile.server) if state else ""
    if state and probed != profile.server:
        seen = {**seen, "probe": f"it was {probed} then; do `probe {account.name} --post` again"}
    text = why or f"{profile.handle} ({profile.server or account.platform})"
    text += f"; access: {profile.access}" if profile.access else ""
    told = "".join(f"; {subject}: {words}" for subject, words in seen.items())
    return Finding(account.name, not why, text + told)
