"""Opening a store: nothing is believed, created or upgraded without having been looked at."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from bot.authority.tables import audit
from bot.content.model import Mode
from bot.db import sqlite as files
from bot.db.backup import back_up
from bot.db.database import Database, connect, parse_url, path_of
from bot.db.migrate import (
    ARRIVING,
    MOVED,
    create_file,
    newest,
    prove_known,
    revision_of,
    upgrade,
    write_file,
)
from bot.db.sqlite import Ballast, Room
from bot.delivery.sent_log import (
    OutboxContext,
    SentLog,
    begin_instance,
    instance_id,
    mark_restored,
    open_log,
    place_of,
    start_log,
)
from bot.errors import DatabaseUnusableError, StoreError
from bot.planning.store import Store
from bot.settings.environment import Settings

#: Verb of the log: the whole database was moved to another one.
MOVE = "move"


def open_store(
    url: str,
    *,
    create: bool,
    data: Path | None = None,
    machine: str | None = None,
    room: Room | None = None,
    keys: Path | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Store:
    """Open a database, and create or upgrade it only where ``create`` says so.

    Args:
        url: ``sqlite:////absolute/path.db`` or ``postgresql+psycopg://…``.
        create: The caller is the service: a first start may create the database, unless a sent
            log says that one existed; an older one is upgraded after a backup.
        data: Directory of the sent log and the lock; a SQLite database's own by default.
        machine: What this machine is called; by default what the settings call it.
        room: What of the disk is kept in hand.
        keys: File of approvers' public keys; by default in the data directory.
        now: Returns the time, for what is written while opening.

    Raises:
        DatabaseUnusableError: it is missing, broken, foreign, older or newer; says what to do.
        StoreError: it cannot be reached.
    """
    parsed, log_path = parse_url(url), sent_log_path(url, data=data)
    directory = log_path.parent
    if create:
        files.make_private_directory(directory)
    # The log is read before the database: it may be running ahead while we look, not behind.
    log = open_log(log_path)
    room = room or Room()
    ballast = Ballast(directory / "ballast", size=room.ballast)
    db = connect(parsed, ballast=ballast)
    try:
        _ready(db, log, directory, create=create, now=now)
        known = log or start_log(log_path, instance_id(db), now=now())
        known.place = place_of(known, machine or Settings().machine_id())
        if db.is_sqlite and create:
            ballast.load()
        store = Store(
            OutboxContext(db, directory, room, keys or directory / "approver-keys", known)
        )
        store.restore_guard.compare(now())
        # It may have been moved since we looked; what we write waits until such a move is over.
        _refuse_moved(db, revision_of(db))
        store.recall(now())
        if create:
            store.audit.public_key()  # the first start makes the key
    except BaseException:
        db.close()
        raise
    return store


def sent_log_path(url: str, *, data: Path | None = None) -> Path:
    """Return where the sent log of a database's service is; its lock stands beside it."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        return path_of(parsed).with_suffix(".sent.log")
    if data is None:
        raise StoreError("PostgreSQL needs a data directory too, for the sent log")
    # As beside an embedded one: it stays where it is in a move.
    return data / f"{Mode.LIVE}.sent.log"


def declare_restored(url: str, reason: str) -> int:
    """Mark a database that others brought back, so that it settles first; return its epoch.

    Of an older revision too, which the next `run` then upgrades.

    Raises:
        DatabaseUnusableError: there is nothing in it.
        StoreError: it cannot be reached.
    """
    db = connect(parse_url(url))
    try:
        if revision_of(db) is None:
            raise DatabaseUnusableError("the database has no tables; load the backup into it first")
        return mark_restored(db, reason)
    finally:
        db.close()


def _ready(
    db: Database, log: SentLog | None, directory: Path, *, create: bool, now: Callable[[], datetime]
) -> None:
    if db.is_sqlite:
        path = path_of(db.url)
        if path.parent.is_dir():
            files.prove_place(path.parent)
        if create and not path.exists():
            _refuse_known(log, str(path))
            _create(path, now())
        files.prove(path, thoroughly=create)
        files.make_private(path)
    found = revision_of(db)
    if found is None:
        if not create:
            raise DatabaseUnusableError("the database has no tables; the first `run` creates them")
        _refuse_known(log, str(db.url.render_as_string(hide_password=True)))
        upgrade(db)
    _refuse_moved(db, found)
    if found not in {None, newest()}:
        _renew(db, found, directory, create=create, now=now)
    elif create:
        # PostgreSQL's tables and identity come in two steps, between which a start may die.
        begin_instance(db, now())


def _refuse_moved(db: Database, found: str | None) -> None:
    if found not in {MOVED, ARRIVING}:
        return
    moves = select(audit.c.subject).where(audit.c.verb == MOVE).order_by(audit.c.seq.desc())
    with db.read() as connection:
        target = connection.execute(moves.limit(1)).scalar_one()
    raise DatabaseUnusableError(
        f"this database was moved to {target}, where all of it is now: let VERBATIM_DATABASE_URL"
        " say so (without it the embedded one is used), or bring it back with `move`"
        if found == MOVED
        else "a move to this database was not finished: call `move` as before, which finishes it"
    )


def _refuse_known(log: SentLog | None, where: str) -> None:
    if log is not None:
        raise DatabaseUnusableError(
            f"{where} has no database, but {log.path} says that one existed and tried"
            f" {len(log.attempted)} deliveries. Bring it back with `restore`. To begin anew all"
            " the same, move that log away: what went out may then go out again"
        )


def _create(path: Path, now: datetime) -> None:
    # Made beside and then renamed: a crash half-way leaves no half database in its place.
    part = path.with_name(path.name + ".creating")
    db = create_file(part)
    try:
        upgrade(db)
        begin_instance(db, now)
    finally:
        db.close()
    files.sync(part)
    part.rename(path)
    files.sync(path)


def _renew(
    db: Database, found: str, directory: Path, *, create: bool, now: Callable[[], datetime]
) -> None:
    prove_known(found)
    if not create:
        raise DatabaseUnusableError(
            f"the database is at revision {found}, this program works with {newest()}; stop the"
            " running bot and start this one's `run`, which upgrades it after a backup"
        )
    stem = path_of(db.url).stem if db.is_sqlite else Mode.LIVE
    copy = directory / "backups" / f"{stem}-before-{newest()}-{now():%Y%m%dT%H%M%S}.db"
    if db.is_sqlite:
        back_up(path_of(db.url), copy)
    else:
        write_file(db, copy, revision=found)
    upgrade(db)
