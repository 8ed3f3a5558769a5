"""Publishes to one Mastodon account, and reads back from it, through Mastodon.py."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

from bot.errors import RejectedError, UnavailableError
from bot.platforms.base import Connection, PictureReader, Platform, Profile
from bot.platforms.http.answers import count_in
from bot.platforms.mastodon import api
from bot.platforms.mastodon.api import Api, id_of, ref_of
from bot.platforms.mastodon.spec import NAME, SPEC
from bot.platforms.mastodon.timeline import find_on_timeline
from bot.platforms.mastodon.uploads import Uploads
from bot.platforms.spec import AccountSettings, Limits, PlatformSpec
from bot.platforms.status import Draft, Metrics, PostRef, ReplyTo, Status

#: A status that is refused for what it holds (platforms.md A2). Whether an earlier attempt went
#: through, so that this refusal is about the repeat, is for the caller to know.
_REFUSED = frozenset({400, 404, 413, 422})
#: The server's clock may be behind ours.
_SKEW = timedelta(minutes=5)
#: DEFAULT_STATUSES_LIMIT of Mastodon's statuses controller; one more is a 422.
_BATCH = 20
_PAGES = 3


def connect(connection: Connection) -> Platform:
    """Return the adapter of one account; asks nothing of the server.

    Raises:
        SettingsError: the server is not safe to send a token to, or the token is missing.
    """
    connected = api.connect(connection)
    return MastodonPlatform(connection.account, connected, Uploads(connected))


@dataclass(frozen=True, slots=True, repr=False)
class MastodonPlatform:
    """One account; see `bot.platforms.base.Platform` for the promises."""

    _account: AccountSettings
    _api: Api
    _uploads: Uploads

    @property
    def spec(self) -> PlatformSpec:
        return SPEC

    def profile(self) -> Profile:
        me, instance = self._api.me(), self._api.instance()
        host = urlsplit(str(me.get("url") or "")).netloc or urlsplit(self._api.origin).netloc
        return Profile(
            id=str(me["id"]),
            handle=f"{me.get('username') or me.get('acct')}@{host}",
            is_labelled_bot=me.get("bot") is True,
            followers=count_in(me, "followers_count"),
            about=" / ".join(str(me.get(key) or "") for key in ("display_name", "note", "avatar")),
            server=" ".join(str(instance.get(name) or "") for name in ("title", "version")).strip(),
        )

    def limits(self) -> Limits:
        return api.limits_of(self._api.instance()).for_account(self._account)

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
        body = {
            "status": status.text,
            "language": status.lang,
            "spoiler_text": status.warning or "",
            "sensitive": status.sensitive or bool(status.warning),
            "media_ids": media_ids,
            "in_reply_to_id": id_of(reply_to.parent) if reply_to else None,
            "visibility": SPEC.value(self._account, "visibility"),
            "since": (at - _SKEW).isoformat(),
        }
        return Draft(key, body)

    def publish(self, draft: Draft) -> PostRef:
        body = draft.body
        try:
            with self._api.calls(writing=True, refusals=_REFUSED):
                made = self._api.client.status_post(
                    body["status"],
                    in_reply_to_id=body["in_reply_to_id"],
                    media_ids=list(body["media_ids"]) or None,
                    sensitive=body["sensitive"],
                    visibility=body["visibility"],
                    spoiler_text=body["spoiler_text"] or None,
                    language=body["language"],
                    idempotency_key=draft.key,
                )
                return ref_of(made)
        except RejectedError as error:
            is_unprocessable = self._api.exchange.status == 422
            if is_unprocessable and self._uploads.are_processing(body["media_ids"]):
                raise UnavailableError(NAME, "pictures are still being processed") from error
            raise

    def find(self, draft: Draft) -> PostRef | None:
        # Asked each time: it proves that the server answers for this account before an
        # empty timeline is taken for absence.
        me = str(self._api.me()["id"])
        found = find_on_timeline(self._api, draft.body, me)
        return None if found is None else ref_of(found)

    def delete(self, ref: PostRef) -> bool:
        deleted = self._api.unless_gone(lambda: [self._api.client.status_delete(id_of(ref))])
        return deleted is not None

    def exists(self, ref: PostRef) -> bool:
        id_ = id_of(ref)
        found = self._api.unless_gone(lambda: ref_of(self._api.client.status(id_), expected=id_))
        return found is not None

    def metrics(self, refs: Sequence[PostRef]) -> Mapping[PostRef, Metrics]:
        refs_by_id = {id_of(ref): ref for ref in refs}
        numbers = _read_numbers(self._api, list(refs_by_id))
        return {refs_by_id[id_]: found for id_, found in numbers.items()}

    def recent(self) -> Sequence[PostRef]:
        me = str(self._api.me()["id"])
        with self._api.calls():
            page = self._api.client.account_statuses(me, limit=40)
            if not isinstance(page, list):
                raise TypeError("no list of statuses")
            return [ref_of(status) for status in page]

    def close(self) -> None:
        self._api.session.close()


def _read_numbers(api: Api, ids: Sequence[str]) -> Mapping[str, Metrics]:
    """Return the numbers that can be read; a deleted status is missing.

    Asks in batches where the server can (Mastodon from 4.3), else the account's timeline. What
    neither shows is asked by itself: a server that does not know batches may answer with an empty
    list, and that must not look like deletion.
    """
    found: dict[str, Metrics] = {}
    try:
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            with api.calls():
                found |= _counted(api.client.statuses(list(batch)), batch)
    except UnavailableError:
        if len(ids) > 1:
            found |= _recent(api, ids)
    for id_ in ids:
        if id_ not in found:
            found |= api.unless_gone(partial(_single, api, id_)) or {}
    return {id_: found[id_] for id_ in ids if id_ in found}


def _recent(api: Api, ids: Collection[str]) -> Mapping[str, Metrics]:
    found: dict[str, Metrics] = {}
    me, oldest = str(api.me()["id"]), None
    for _ in range(_PAGES):
        with api.calls():
            page = api.client.account_statuses(me, limit=40, max_id=oldest)
            found |= _counted(page, ids)
        if not page or set(ids) <= found.keys() or str(page[-1].get("id")) == oldest:
            break
        oldest = str(page[-1].get("id"))
    return found


def _single(api: Api, id_: str) -> Mapping[str, Metrics]:
    found = _counted([api.client.status(id_)], [id_])
    if not found:
        raise TypeError("another status")
    return found


def _counted(statuses: object, ids: Collection[str]) -> dict[str, Metrics]:
    if not isinstance(statuses, list) or not all(isinstance(status, dict) for status in statuses):
        raise TypeError("no list of statuses")
    return {
        str(status["id"]): Metrics(
            likes=count_in(status, "favourites_count"),
            reposts=count_in(status, "reblogs_count"),
            replies=count_in(status, "replies_count"),
            quotes=count_in(status, "quotes_count"),
        )
        for status in statuses
        if str(status.get("id")) in ids
    }
