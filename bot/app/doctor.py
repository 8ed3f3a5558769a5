"""Looks at all that a service start needs, and tries what an account's server can do."""

import io
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from PIL import Image

from bot.app import storage
from bot.app.connections import SECRETS_FOLDER, Connections
from bot.app.content import Paths, prove_files
from bot.authority.trust import ConfigurationGuard, unfit
from bot.canonical import sha256_hex
from bot.clock import SystemClock
from bot.content.model import Account, Campaign, Mode, Schedule
from bot.content.zones import shown
from bot.db.sqlite import MEBIBYTE
from bot.delivery.links import looks
from bot.engine.clock_guard import ClockGuard
from bot.errors import BotError, PlatformError, Severity, UnavailableError, UnconfirmedError
from bot.operations.channels import Alert, channels_of
from bot.operations.status import DiskWatch, status_of
from bot.planning.store import Store
from bot.platforms.base import Platform
from bot.platforms.status import Draft, Picture, PostRef, ReplyTo, Status
from bot.rendering.cards.typefaces import require_raqm
from bot.settings.environment import Settings
from bot.settings.private import prepare_data
from bot.web.server import address_of, listen


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
    yield (finding := _tried("settings", storage.settings, "all known"))
    signers = storage.settings().content_signers if finding.is_well else None
    try:
        loaded = storage.prove_content(paths)
    except BotError:  # of the settings or the database, which have findings of their own
        loaded = prove_files(paths.config, paths.posts, signers=signers)
    count = len(loaded.problems)
    text = f"{count} problem(s), warning(s) or notice(s); see `check`" if count else "no problem"
    yield Finding("content", loaded.campaign is not None, text)
    if loaded.campaign is None or not finding.is_well:
        return
    for line in storage.unused_secrets(loaded.campaign):
        yield Finding("secret", False, line)
    campaign, known = loaded.campaign, storage.settings()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory()))
        mode, clock = campaign.schedule.mode, SystemClock()
        try:
            storage.owner_for(paths, loaded.loaded)
            if storage.has_store(mode, paths.data):
                store = storage.existing_store(mode, paths.data)
                text = f"{mode.value}, sound"
            else:
                store = storage.create_store(mode, scratch, Settings())
                text = "none yet; the first `run` creates it"
        except BotError as error:
            yield Finding("database", False, str(error))
            return
        stack.enter_context(closing(store))
        yield _database(store, text)
        if not storage.has_store(mode, paths.data):
            ConfigurationGuard(store, clock).record_first(campaign)  # as the first `run` would
        yield from _machine(paths, campaign.schedule, known, store)
        yield from _links(campaign, known, store)
        yield from _alerts(known, mode, send=send)
        clock_guard = ClockGuard(clock)
        connections = Connections(
            store, clock, known, lambda: campaign, heard=clock_guard.note_server_time,
            rehearsed=scratch / "rehearsed.db", kept=paths.data.absolute() / SECRETS_FOLDER,
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


def _machine(paths: Paths, schedule: Schedule, known: Settings, store: Store) -> Iterator[Finding]:
    """Look at the disk, at what other processes say, and at what this one would listen on."""
    directory = paths.data.absolute()
    while not directory.exists():
        directory = directory.parent
    disk = DiskWatch(directory, store.room)
    why = disk.why() or disk.soon()
    yield Finding("disk", not why, why or f"{disk.free() // MEBIBYTE} MB are left")
    if paths.data.exists():
        yield _tried("data directory", lambda: prepare_data(paths.data), str(directory))
    status = status_of(store, schedule, SystemClock())
    names = ", ".join(status.workers)
    yield Finding(
        "`run`", True, f"at work: {names}; one more stands by" if names else "none is at work"
    )
    for matter in status.matters if names else ():
        told = matter.text.partition("\n")[0]
        yield Finding("`run` says", matter.severity is not Severity.ERROR, told)
    has_users = bool(store.users.all())
    yield _tried("dashboard", lambda: address_of(known, has_users=has_users), known.web)
    for place in {known.web, known.monitor} - {"off"}:
        try:
            if not names:
                listen(place).close()
            yield Finding(f"port {place}", True, "free, or our own")
        except OSError as error:
            why = f"cannot be listened on: {error.strerror}"
            yield Finding(f"port {place}", False, why)


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
            told = "secrets are there" if mode is Mode.LIVE else "a rehearsal needs no secrets"
            return Finding(account.name, True, told)
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


_T = TypeVar("_T")
_TEXT = "This is a test by the program that posts here. It is deleted at once."
_ALT = "A grey square <test>\nand a second line"


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing that a server was seen to do, or not to do."""

    #: A short name that is kept, such as ``keys`` or ``lists unlisted``.
    ability: str
    is_able: bool
    told: str


def probe(platform: Platform, at: datetime) -> Iterator[Trial]:
    """Yield what the server does with a test; all of it is deleted, whatever happens.

    Raises:
        PlatformError: it could not be sent, or not be deleted; the latter names what is left.
    """
    body = io.BytesIO()
    Image.new("RGB", (64, 64), "grey").save(body, "PNG")
    picture = Picture(sha256_hex(body.getvalue()), "image/png", _ALT, 64, 64, body.tell())

    def prepare(status: Status, reply_to: ReplyTo | None = None) -> Draft:
        draft = platform.prepare(
            status, key=uuid.uuid4().hex, at=at, reply_to=reply_to,
            pictures=lambda _picture: body.getvalue(),
        )  # fmt: skip
        quiet = {
            name: few
            for name, (everybody, few) in platform.spec.quiet.items()
            if draft.body.get(name) == everybody
        }
        return replace(draft, body={**draft.body, **quiet})

    first = prepare(Status(_TEXT, warning="Test", sensitive=True, pictures=(picture,)))
    made = [_publish(platform, first)]
    try:
        yield from _read_back(platform, first, made[0])
        second = prepare(Status("Test, part 2."), ReplyTo(made[0], made[0]))
        made.append(_publish(platform, second))
        yield _kept("replies", made[1], "parent")
        again = _answer(platform.publish, first)
        if isinstance(again, PostRef) and again.id != made[0].id:
            made.append(again)
        told = again if isinstance(again, str) else f"{len({ref.id for ref in made}) - 1} of 1"
        yield Trial("keys", len(made) == 2, f"statuses of one key: {told}")
    finally:
        _delete(platform, reversed(made))
    left = [ref.url for ref in made if _answer(platform.exists, ref) is not False]
    yield Trial("deletes", not left, f"left: {', '.join(left) or 'nothing'}")


def _publish(platform: Platform, draft: Draft) -> PostRef:
    """Publish a draft; where the answer was lost, look for it, so that it can be deleted."""
    try:
        return platform.publish(draft)
    except UnconfirmedError as error:
        found = _answer(platform.find, draft)
        if not isinstance(found, PostRef):
            told = f"{error}; look on the account, and delete by hand what is there"
            raise UnconfirmedError(platform.spec.name, told) from error
        return found


def _delete(platform: Platform, refs: Iterable[PostRef]) -> None:
    """Delete each; PlatformError with the addresses of all that could not be deleted."""
    answers = [(ref.url, _answer(platform.delete, ref)) for ref in refs]
    failed = {url: told for url, told in answers if isinstance(told, str)}
    if failed:
        why = "; ".join(f"{url}: {told}" for url, told in failed.items())
        raise UnavailableError(platform.spec.name, f"not deleted, so delete it by hand: {why}")


def _read_back(platform: Platform, draft: Draft, ref: PostRef) -> Iterator[Trial]:
    yield from (_kept(each, ref, each) for each in ("text", "warning", "pictures", "language"))
    found = _answer(platform.find, draft)
    is_found = isinstance(found, PostRef) and found.id == ref.id
    told = found if isinstance(found, str) else "yes" if is_found else "it is not listed"
    yield Trial("finds", is_found, f"a lost answer is found again: {told}")
    if visibility := draft.body.get("visibility"):
        # Who lists those that few are to see lists those for everybody.
        for each in {str(visibility), "public"} if visibility == "unlisted" else {str(visibility)}:
            yield Trial(f"lists {each}", is_found, f"{each} statuses are listed: {told}")
    shown = _answer(platform.exists, ref)
    yield Trial("shows", shown is True, f"it is read by its id: {shown}")
    numbers = _answer(platform.metrics, [ref])
    is_counted = not isinstance(numbers, str) and numbers is not None
    yield Trial("counts", is_counted, "numbers are told" if is_counted else str(numbers))


def _kept(ability: str, ref: PostRef, subject: str) -> Trial:
    differs = ref.differs.get(subject, "")
    return Trial(ability, not differs, differs or f"{subject} is as it was sent")


def _answer(call: Callable[..., _T], *args: object) -> _T | str:
    try:
        return call(*args)
    except PlatformError as error:
        return str(error)
