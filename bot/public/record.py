"""The public record: the sources, and each status that is or was out; signed, one file.

Only what readers could see is in it: no author, no approver, nothing that is not published.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache

from pydantic import TypeAdapter, ValidationError

from bot.authority.audit_head import is_signed
from bot.canonical import canonical_json, sha256_hex
from bot.content.model import Campaign, Mode, Source, Stretch
from bot.delivery.lifecycle import OUT
from bot.delivery.model import Delivery, State
from bot.errors import DecisionError
from bot.planning.corrections import PublicCorrection
from bot.planning.store import Store
from bot.platforms.status import Status

#: Name of the file.
RECORD = "record.json"
#: Bytes of a record that somebody gives us.
MOST = 64_000_000
#: Stands before what is signed: no signature of something else is one of a record.
_SIGNED_AS = "verbatim-record:"
_SPACE = re.compile(r"[ \t\r\n]+")
STATES = {State.SENT: "published", State.RETRACTED: "retracted", State.GONE: "deleted elsewhere"}


@dataclass(frozen=True, slots=True)
class PublicSource:
    """A text that may be quoted, and what is no text of its own in it."""

    id: str
    title: str
    attribution: str
    day: date
    lang: str
    address: str
    sha256: str
    text: str
    never: tuple[Stretch, ...] = ()
    #: Who signed or wrote it.
    signatories: tuple[str, ...] = ()
    translation_of: str = ""

    @property
    def source(self) -> Source:
        """Return it as quotations are proved against it."""
        return Source(
            "", self.sha256, self.title, self.attribution, self.day, self.signatories,
            id=self.id, address=self.address, lang=self.lang, text=self.text,
            never_spans=self.never,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class PublishedStatus:
    """One status that is or was out, as it was sent; of a retracted one, not its words."""

    post: str
    #: What its parts have in common.
    publication: str
    part: int
    platform: str
    url: str
    at: datetime
    #: A value of `STATES`.
    state: str
    status: Status
    #: Of its text, as `squeezed` writes it: a retracted one is known by this alone.
    text_sha256: str

    @property
    def is_live(self) -> bool:
        return self.state == STATES[State.SENT]


@dataclass(frozen=True, slots=True)
class PublicRecord:
    """All that is published, at one moment."""

    campaign: str
    #: In a rehearsal nothing left the machine.
    mode: Mode
    timezone: str
    at: datetime
    sources: tuple[PublicSource, ...]
    #: Oldest first.
    statuses: tuple[PublishedStatus, ...]
    #: Newest first.
    corrections: tuple[PublicCorrection, ...] = ()
    version: int = 1


def record_of(
    store: Store,
    campaign: Campaign,
    corrections: Iterable[PublicCorrection],
    now: datetime,
    *,
    with_every_source: bool = False,
) -> PublicRecord:
    """Return what is published now.

    Args:
        with_every_source: Sources too that nobody outside knows yet; never for publishing.
    """
    statuses = tuple(map(_published, store.outbox.each(states=OUT)))
    # One that waits for its approvals is as unpublished as any post.
    out = (each for each in corrections if each.kind != "correction" or each.addresses)
    # A source that only what was taken down quotes would publish those words once more.
    quoted = {span.source for each in statuses if each.status.text for span in each.status.spans}
    sources = (
        PublicSource(
            each.id, each.title, each.attribution, each.date, each.lang, each.address, each.sha256,
            each.text, each.never_spans, each.signatories, each.translation_of,
        )
        for each in campaign.sources.values()
        if with_every_source or each.address or each.id in quoted
    )  # fmt: skip
    return PublicRecord(
        campaign.schedule.campaign, campaign.schedule.mode, campaign.schedule.timezone,
        now.astimezone(UTC), tuple(sources), statuses, tuple(out),
    )  # fmt: skip


def _published(row: Delivery) -> PublishedStatus:
    at, status = row.sent_at or row.updated_at, row.status
    known_by = sha256_hex(squeezed(status.text))
    if row.state is State.RETRACTED:  # what may have harmed somebody is not published once more
        status = Status("", status.lang, spans=status.spans)
    return PublishedStatus(
        row.post_id, row.publication.id, row.part, row.platform, row.url, at, STATES[row.state],
        status, known_by,
    )  # fmt: skip


def squeezed(text: str) -> str:
    """Return a text with one space for all white space: programs break lines as they like."""
    return _SPACE.sub(" ", text).strip()


def signed_record(record: PublicRecord, sign: Callable[[str], tuple[str, str]]) -> bytes:
    """Return canonical JSON of the record, with the key and signature (hex) of `sign`."""
    value = _adapter().dump_python(record, mode="json")
    key, signature = sign(_SIGNED_AS + canonical_json(value))
    return _file_of({"key": key, "record": value, "signature": signature})


def read_record(content: bytes, key: str = "") -> tuple[PublicRecord, str]:
    """Return a record and the public key that signed it, down to the last byte.

    Args:
        content: The file.
        key: The public key that it must be signed by; without it any, which the file names.

    Raises:
        DecisionError: it is no record, not signed by that key, or changed since.
    """
    try:
        read = json.loads(content)
        signer, value, signature = read["key"], read["record"], read["signature"]
        is_whole = is_signed(_SIGNED_AS + canonical_json(value), signer, signature)
        is_whole = is_whole and content == _file_of(read) and set(read) == _KEYS
        record = _adapter().validate_python(value)
    except (ValueError, TypeError, KeyError, RecursionError, ValidationError) as error:
        raise DecisionError("this is no record that `site` wrote, or it was changed") from error
    if not is_whole:
        raise DecisionError(
            f"the record was changed since it was signed, or by another than {signer}"
        )
    if key and key != signer:
        raise DecisionError(f"the record is signed by {signer}, not by {key}")
    if changed := [each.id for each in record.sources if sha256_hex(each.text) != each.sha256]:
        raise DecisionError(f"not the text that its SHA-256 names: {', '.join(changed)}")
    return record, signer


_KEYS = {"key", "record", "signature"}
_adapter = cache(lambda: TypeAdapter(PublicRecord))


def _file_of(value: object) -> bytes:
    return f"{canonical_json(value)}\n".encode()
