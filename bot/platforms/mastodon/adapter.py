"""Publishes to one Mastodon account, and reads back from it, through Mastodon.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import mastodon

from bot.errors import PlatformError, RejectedError, UnavailableError
from bot.platforms.base import Connection, PictureReader, Platform, Profile
from bot.platforms.http.credentials import require_secret, safe_origin
from bot.platforms.http.exchange import Exchange, translated_errors
from bot.platforms.http.session import BoundedSession
from bot.platforms.mastodon.instance import ask, limits_of
from bot.platforms.mastodon.numbers import Numbers
from bot.platforms.mastodon.readback import id_of, ref_of
from bot.platforms.mastodon.spec import NAME, SPEC
from bot.platforms.mastodon.timeline import MastodonTimeline
from bot.platforms.mastodon.uploads import Uploads
from bot.platforms.spec import AccountSettings, Limits, PlatformSpec
from bot.platforms.status import Draft, Metrics, PostRef, ReplyTo, Status

#: A status that is refused for what it holds (platforms.md A2). Whether an earlier attempt went
#: through, so that this refusal is about the repeat, is for the caller to know.
_REFUSED = frozenset({400, 404, 413, 422})
#: The server's clock may be behind ours.
_SKEW = timedelta(minutes=5)


def connect(connection: Connection) -> Platform:
    """Make the adapter of one account; asks nothing of the server.

    Raises:
        SettingsError: the server is not safe to send a token to, or the token is missing.
    """
    account = connection.account
    origin = safe_origin(account.server, account.name)
    token = require_secret(connection.secrets, "ACCESS_TOKEN", account.name)
    exchange = Exchange()
    session = BoundedSession(connection, exchange, origin)
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
    calls = partial(translated_errors, NAME, exchange)
    uploads = Uploads(client, calls, exchange)
    return MastodonPlatform(account, origin, client, session, exchange, uploads)


@dataclass(frozen=True, slots=True, repr=False)
class MastodonPlatform:
    """One account; see `bot.platforms.base.Platform` for the promises."""

    _account: AccountSettings
    _origin: str
    _client: mastodon.Mastodon
    _session: BoundedSession
    _exchange: Exchange
    _uploads: Uploads

    @property
    def spec(self) -> PlatformSpec:
        return SPEC

    def profile(self) -> Profile:
        me = self._me()
        instance = ask(self._session, self._origin, self._calls)
        followers = me.get("followers_count")
        return Profile(
            id=str(me["id"]),
            handle=f"{me.get('username') or me.get('acct')}@{self._host(me)}",
            is_labelled_bot=me.get("bot") is True,
            followers=followers if type(followers) is int else None,
            server=" ".join(str(instance.get(name) or "") for name in ("title", "version")).strip(),
        )

    def limits(self) -> Limits:
        limits = limits_of(ask(self._session, self._origin, self._calls), SPEC.limits)
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
            "in_reply_to_id": id_of(reply_to.parent) if reply_to else None,
            "visibility": SPEC.value(self._account, "visibility"),
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
                return ref_of(made)
        except RejectedError as error:
            if self._exchange.status == 422 and self._uploads.are_processing(wire["media_ids"]):
                raise UnavailableError(NAME, "pictures are still being processed") from error
            raise

    def find(self, draft: Draft) -> PostRef | None:
        # RequestContext each time: it proves that the server answers for this account before an
        # empty timeline is taken for absence.
        me = str(self._me()["id"])
        since = datetime.fromisoformat(draft.wire["since"])
        timeline = MastodonTimeline(self._client, self._calls, self._exchange)
        seen = timeline.find(draft, me=me, since=since)
        return None if seen is None else ref_of(seen)

    def delete(self, ref: PostRef) -> bool:
        try:
            with self._calls():
                self._client.status_delete(id_of(ref))
        except PlatformError:
            if self._is_gone():
                return False
            raise
        return True

    def exists(self, ref: PostRef) -> bool:
        try:
            with self._calls():
                return ref_of(self._client.status(id_of(ref)), expected=id_of(ref)) is not None
        except PlatformError:
            if self._is_gone():
                return False
            raise

    def metrics(self, refs: Sequence[PostRef]) -> Mapping[PostRef, Metrics]:
        wanted = {id_of(ref): ref for ref in refs}
        counted = Numbers(self._client, self._calls, self._is_gone, lambda: str(self._me()["id"]))
        return {wanted[one]: numbers for one, numbers in counted.read(list(wanted)).items()}

    def close(self) -> None:
        self._session.close()

    def _calls(
        self, *, writing: bool = False, refusals: frozenset[int] = frozenset()
    ) -> AbstractContextManager[None]:
        return translated_errors(NAME, self._exchange, writing=writing, refusals=refusals)

    def _is_gone(self) -> bool:
        # A 404 in words of the API; a web server that has lost its way answers in HTML.
        return self._exchange.status in (404, 410) and bool(self._exchange.error)

    def _me(self) -> Mapping[str, Any]:
        with self._calls():
            me = self._client.account_verify_credentials()
            if not isinstance(me, dict) or not me.get("id"):
                raise TypeError("no account")
            return me

    def _host(self, me: Mapping[str, Any]) -> str:
        return urlsplit(str(me.get("url") or "")).netloc or urlsplit(self._origin).netloc
