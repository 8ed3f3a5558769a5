"""Publishes to one Mastodon account, and reads back from it, through Mastodon.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import mastodon

from bot.core.campaign import Account
from bot.core.model import Draft, Limits, Metrics, PostRef, ReplyTo, Status, Traits
from bot.errors import (
    PlatformError,
    RejectedError,
    SettingsError,
    UnavailableError,
    UnconfirmedError,
)
from bot.platforms.base import Connection, PictureReader, Platform, Profile
from bot.platforms.mastodon.instance import PATHS, limits_of
from bot.platforms.mastodon.numbers import Numbers
from bot.platforms.mastodon.readback import Likeness, is_source, likeness, made_at
from bot.platforms.mastodon.session import BoundedSession, json_object
from bot.platforms.mastodon.traits import NAME, TRAITS
from bot.platforms.mastodon.uploads import Uploads
from bot.platforms.wire import Trace, safe_origin, secret_of, translated

#: A status that is refused for what it holds (platforms.md A2). Whether an earlier attempt went
#: through, so that this refusal is about the repeat, is for the caller to know.
_REFUSED = frozenset({400, 404, 413, 422})
#: Forty statuses a page: an account that made more since the attempt needs a person.
_MAX_PAGES = 10
_MAX_SOURCES = 20
#: The server's clock may be behind ours.
_SKEW = timedelta(minutes=5)
_VISIBILITIES = frozenset({"public", "unlisted", "private"})


def connect(connection: Connection) -> Platform:
    """Make the adapter of one account; asks nothing of the server.

    Raises:
        SettingsError: the server is not safe to send a token to, or the token is missing.
    """
    account = connection.account
    origin = safe_origin(account.server, account.name)
    if account.visibility not in _VISIBILITIES:
        raise SettingsError(f"account {account.name}: no such visibility {account.visibility!r}")
    token = secret_of(connection.secrets, "ACCESS_TOKEN", account.name)
    trace = Trace()
    session = BoundedSession(connection, trace)
    client = mastodon.Mastodon(
        api_base_url=origin,
        ratelimit_method="throw",
        # The session's own limits hold; this one is never reached.
        request_timeout=connection.connect_timeout + connection.read_timeout,
        # A version that is given is not asked for: a failing /api/v1/instance/ would recurse
        # 978 times (Mastodon.py#450), and "none" would upload to the old /api/v1/media.
        mastodon_version="4.6.0",
        version_check_mode="created",
        session=session,
        user_agent="verbatim",
    )
    # Not through the constructor, which reads a token that is also a path as a file.
    client.access_token = token
    calls = partial(translated, NAME, trace)
    return MastodonPlatform(account, origin, client, session, trace, Uploads(client, calls, trace))


@dataclass(frozen=True, slots=True, repr=False)
class MastodonPlatform:
    """One account; see `bot.platforms.base.Platform` for the promises."""

    _account: Account
    _origin: str
    _client: mastodon.Mastodon
    _session: BoundedSession
    _trace: Trace
    _uploads: Uploads

    @property
    def traits(self) -> Traits:
        return TRAITS

    def profile(self) -> Profile:
        me = self._me()
        instance = self._instance()
        followers = me.get("followers_count")
        return Profile(
            id=str(me["id"]),
            handle=f"{me.get('username') or me.get('acct')}@{self._host(me)}",
            is_labelled_bot=me.get("bot") is True,
            followers=followers if type(followers) is int else None,
            server=" ".join(str(instance.get(name) or "") for name in ("title", "version")).strip(),
        )

    def limits(self) -> Limits:
        limits = limits_of(self._instance(), TRAITS.limits)
        known = self._account.max_length
        return replace(limits, max_length=known) if known else limits

    def prepare(
        self,
        status: Status,
        *,
        key: str,
        at: datetime,
        reply_to: ReplyTo | None,
        pictures: PictureReader,
    ) -> Draft:
        media_ids = [self._uploads.upload(picture, pictures) for picture in status.pictures]
        self._uploads.wait_for(media_ids)
        wire = {
            "status": status.text,
            "language": status.lang,
            "spoiler_text": status.warning or "",
            "sensitive": status.sensitive or bool(status.warning),
            "media_ids": media_ids,
            "in_reply_to_id": _id(reply_to.parent) if reply_to else None,
            "visibility": self._account.visibility,
            "since": (at - _SKEW).isoformat(),
        }
        return Draft(key, wire)

    def publish(self, draft: Draft) -> PostRef:
        wire = draft.wire
        try:
            with self._calls(writing=True, refusals=_REFUSED):
                made = self._client.status_post(
                    wire["status"],
                    in_reply_to_id=wire["in_reply_to_id"],
                    media_ids=list(wire["media_ids"]) or None,
                    sensitive=wire["sensitive"],
                    visibility=wire["visibility"],
                    spoiler_text=wire["spoiler_text"] or None,
                    language=wire["language"],
                    idempotency_key=draft.key,
                )
                return _ref(made)
        except RejectedError as error:
            if self._trace.status == 422 and self._uploads.are_processing(wire["media_ids"]):
                raise UnavailableError(NAME, "pictures are still being processed") from error
            raise

    def find(self, draft: Draft) -> PostRef | None:
        # Asked each time: it proves that the server answers for this account before an
        # empty timeline is taken for absence.
        me = str(self._me()["id"])
        since = datetime.fromisoformat(draft.wire["since"])
        sources = 0
        for seen in self._timeline(me, since):
            alike = likeness(seen, draft.wire)
            if alike is Likeness.MAYBE and sources < _MAX_SOURCES:
                sources += 1
                alike = self._by_source(seen, draft)
            if alike is Likeness.SAME:
                return _ref(seen)
            if alike is Likeness.DOUBTFUL:
                raise UnconfirmedError(
                    NAME, f"{seen.get('url') or seen.get('id')} has its words, but other pictures"
                )
        return None

    def delete(self, ref: PostRef) -> bool:
        try:
            with self._calls():
                self._client.status_delete(_id(ref))
        except PlatformError:
            if self._is_gone():
                return False
            raise
        return True

    def exists(self, ref: PostRef) -> bool:
        try:
            with self._calls():
                return _ref(self._client.status(_id(ref)), expected=_id(ref)) is not None
        except PlatformError:
            if self._is_gone():
                return False
            raise

    def metrics(self, refs: Sequence[PostRef]) -> Mapping[PostRef, Metrics]:
        wanted = {_id(ref): ref for ref in refs}
        counted = Numbers(self._client, self._calls, self._is_gone, lambda: str(self._me()["id"]))
        return {wanted[one]: numbers for one, numbers in counted.read(list(wanted)).items()}

    def close(self) -> None:
        self._session.close()

    def _calls(
        self, *, writing: bool = False, refusals: frozenset[int] = frozenset()
    ) -> AbstractContextManager[None]:
        return translated(NAME, self._trace, writing=writing, refusals=refusals)

    def _is_gone(self) -> bool:
        # A 404 in words of the API; a web server that has lost its way answers in HTML.
        return self._trace.status in (404, 410) and bool(self._trace.error)

    def _me(self) -> Mapping[str, Any]:
        with self._calls():
            me = self._client.account_verify_credentials()
            if not isinstance(me, dict) or not me.get("id"):
                raise TypeError("no account")
            return me

    def _host(self, me: Mapping[str, Any]) -> str:
        return urlsplit(str(me.get("url") or "")).netloc or urlsplit(self._origin).netloc

    def _instance(self) -> Mapping[str, Any]:
        for path in PATHS:
            with self._calls():
                response = self._session.get(self._origin + path)
                if response.status_code == 429:
                    raise TypeError("rate limited")
            told = json_object(response)
            if told is not None:
                return told
        return {}

    def _by_source(self, seen: Mapping[str, Any], draft: Draft) -> Likeness:
        try:
            with self._calls():
                source: Any = self._client.status_source(str(seen["id"]))
                is_same = isinstance(source, dict) and is_source(source, draft.wire)
        except UnavailableError:
            # Not every server has it; an outage would have shown in the timeline.
            return Likeness.OTHER
        if not is_same:
            return Likeness.OTHER
        return Likeness.DOUBTFUL if draft.wire["media_ids"] else Likeness.SAME

    def _timeline(self, me: str, since: datetime) -> Iterator[Mapping[str, Any]]:
        """Read the account's own statuses back to ``since``, newest first.

        Raises:
            UnconfirmedError: the server does not let us see so far back.
        """
        known: set[str] = set()
        oldest: str | None = None
        for _ in range(_MAX_PAGES):
            page = self._page(me, oldest)
            fresh = [one for one in page if str(one["id"]) not in known]
            yield from fresh
            if not page or _is_before(page[-1], since):
                return
            if not fresh:
                break  # it ignores max_id
            known.update(str(one["id"]) for one in fresh)
            oldest = str(page[-1]["id"])
        raise UnconfirmedError(NAME, "the account's timeline cannot be read back to the attempt")

    def _page(self, me: str, before: str | None) -> list[Mapping[str, Any]]:
        with self._calls():
            page = self._client.account_statuses(me, exclude_reblogs=True, limit=40, max_id=before)
            if not isinstance(page, list) or not all(
                isinstance(one, dict) and one.get("id") for one in page
            ):
                raise TypeError("no list of statuses")
            return list(page)


def _is_before(seen: Mapping[str, Any], since: datetime) -> bool:
    made = made_at(seen)
    return made is not None and made < since


def _id(ref: PostRef) -> str:
    """Give the id; a person may have vouched with the address of a status."""
    return ref.id.rstrip("/").rsplit("/", 1)[-1]


def _ref(seen: object, expected: str | None = None) -> PostRef:
    """Read a receipt; whoever calls takes a `TypeError` for an answer that tells nothing."""
    if not isinstance(seen, dict):
        raise TypeError("no status")
    found = seen.get("id")
    if type(found) is bool or not isinstance(found, str | int) or not str(found):
        raise TypeError("no status")
    if expected is not None and str(found) != expected:
        raise TypeError("another status")
    address = seen.get("url") or seen.get("uri")
    # It is shown as a link: nothing but a web page.
    if not isinstance(address, str) or not address.startswith(("https://", "http://")):
        address = ""
    return PostRef(str(found), address)
