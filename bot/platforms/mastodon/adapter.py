"""Publishes to one Mastodon account, and reads back from it, through Mastodon.py."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from threading import Event
from typing import Any
from urllib.parse import urlsplit

from bot.errors import PlatformError, RejectedError, UnavailableError
from bot.platforms.base import Connection, PictureReader, Profile
from bot.platforms.http.exchange import count_in, object_in
from bot.platforms.mastodon import NAME, SPEC
from bot.platforms.mastodon.api import Api, a_status, id_of, limits_of, ref_of
from bot.platforms.mastodon.comparing import differences
from bot.platforms.mastodon.timeline import BATCHES, Timeline
from bot.platforms.spec import Limits
from bot.platforms.status import Draft, Metrics, Picture, PostRef, ReplyTo, Status

#: Answers that say that a picture will never do.
_UNFIT = frozenset({400, 413, 415, 422})
#: Seconds between looks at an upload that is being processed.
_WAITS = (0.5, 1.0, 2.0, 4.0)
#: A status that is refused for what it holds (platforms.md A2). Whether an earlier attempt went
#: through, so that this refusal is about the repeat, is for the caller to know.
_REFUSED = frozenset({400, 404, 413, 422})
_DONE, _GONE = frozenset({200, 202, 204}), frozenset({404, 410})
#: The server's clock may be behind ours.
_SKEW = timedelta(minutes=5)


@dataclass(slots=True)
class Uploads:
    """One account's pictures."""

    api: Api
    wait: Callable[[float], object] = field(default_factory=lambda: Event().wait)
    #: Uploads that were not ready in time, so that the next try waits on instead of uploading anew.
    _unfinished: dict[tuple[str, str], str] = field(default_factory=dict)

    def upload(self, picture: Picture, read: PictureReader) -> str:
        """Upload a picture with its description; return its id; RejectedError if unfit."""
        if known := self._unfinished.get((picture.sha256, picture.alt)):
            return known
        # Bytes and a name of ours: a path would be left open, and be guessed from.
        name = f"{picture.sha256[:16]}.{picture.mime.rpartition('/')[2]}"
        send = partial(
            self.api.client.media_post, read(picture), mime_type=picture.mime,
            description=picture.alt, file_name=name,
        )  # fmt: skip
        made = self.api.read(send, _an_upload, refusals=_UNFIT)
        if not made.get("url"):
            self._unfinished[picture.sha256, picture.alt] = str(made["id"])
        return str(made["id"])

    def wait_for(self, ids: Sequence[str]) -> None:
        """Wait until all can be attached; UnavailableError while not, RejectedError if never."""
        for seconds in _WAITS:
            unfinished = [id_ for id_ in self._unfinished.values() if id_ in ids]
            if not any(self._is_processing(id_) for id_ in unfinished):
                return
            self.wait(seconds)
        raise UnavailableError(NAME, "pictures are still being processed")

    def are_processing(self, ids: Sequence[str]) -> bool:
        """Ask whether any is not ready; False where that cannot be told."""
        try:
            return any(self._is_processing(id_) for id_ in ids)
        except PlatformError:
            return False

    def _is_processing(self, id_: str) -> bool:
        try:
            # 206 with no url while it is worked on, 422 where that failed.
            ask, shape = partial(self.api.client.media, id_), partial(_an_upload, id_=id_)
            upload = self.api.read(ask, shape, refusals=_UNFIT)
        except PlatformError:
            if self.api.exchange.status in {404, *_UNFIT}:
                self._forget(id_)
            raise
        if self.api.exchange.status == 206 or not upload.get("url"):
            return True
        self._forget(id_)
        return False

    def _forget(self, id_: str) -> None:
        self._unfinished = {each: known for each, known in self._unfinished.items() if known != id_}


def _an_upload(value: object, id_: str = "") -> Mapping[str, Any]:
    upload = object_in(value)
    if not upload.get("id") or id_ not in ("", str(upload["id"])):
        raise TypeError("no upload")
    return upload


class MastodonPlatform:
    """One account; making one asks nothing, and is a SettingsError where asking is not safe."""

    spec = SPEC

    def __init__(self, connection: Connection) -> None:
        self._account, self._seen_to = connection.account, connection.abilities
        self._visibility = SPEC.value(self._account, "visibility")
        self._api = Api(connection, connection.secrets)
        self._uploads = Uploads(self._api)
        is_proved = self._seen_to.get(f"lists {self._visibility}", False)
        self._timeline = Timeline(self._api, is_proved, self._seen_to.get(BATCHES, True))

    def profile(self) -> Profile:
        me, instance = self._api.me(), self._api.instance()
        scopes = self._api.granted_scopes()
        self._timeline.me = str(me["id"])
        host = urlsplit(str(me.get("url") or "")).netloc or urlsplit(self._api.origin).netloc
        return Profile(
            id=str(me["id"]),
            handle=f"{me.get('username') or me.get('acct')}@{host}",
            is_labelled_bot=me.get("bot") is True,
            followers=count_in(me, "followers_count"),
            about=" / ".join(str(me.get(key) or "") for key in ("display_name", "note", "avatar")),
            server=" ".join(str(instance.get(name) or "") for name in ("title", "version")).strip(),
            access=" ".join(scopes),
            # Reading may be allowed in other words, such as "profile".
            lacks=tuple(
                scope
                for scope in SPEC.scopes
                if scopes and scope.startswith("write:") and not {scope, "write"} & {*scopes}
            ),
        )

    def limits(self) -> Limits:
        told = limits_of(self._api.instance()).for_account(self._account)
        language, alt = (self._seen_to.get(each, True) for each in ("language", "pictures"))
        return replace(told, keeps_language=language, keeps_alt=alt)

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
            "alts": [picture.alt for picture in status.pictures],
            "in_reply_to_id": id_of(reply_to.parent) if reply_to else None,
            "parent_url": reply_to.parent.url if reply_to else "",
            "visibility": self._visibility,
            "since": (at - _SKEW).isoformat(),
            **({"quotes": status.quotes} if status.quotes else {}),
            **self._timeline.before(self._timeline.me or self._me(), self._visibility),
        }
        return Draft(key, body)

    def _me(self) -> str:
        """Ask whose account it is; it stays the same for as long as the token does."""
        self._timeline.me = str(self._api.me()["id"])
        return self._timeline.me

    def publish(self, draft: Draft) -> PostRef:
        body = draft.body
        # Some servers refuse a boolean that is written as a number: the words, or nothing.
        is_sensitive: Any = "true" if body["sensitive"] else None
        send = partial(
            self._api.client.status_post, body["status"], in_reply_to_id=body["in_reply_to_id"],
            media_ids=list(body["media_ids"]) or None, sensitive=is_sensitive,
            visibility=body["visibility"], spoiler_text=body["spoiler_text"] or None,
            language=body["language"], quote_approval_policy=body.get("quotes"),
            idempotency_key=draft.key,
        )  # fmt: skip
        try:
            made = self._api.read(send, a_status, writing=True, refusals=_REFUSED)
        except RejectedError as error:
            if self._api.exchange.status == 422 and self._uploads.are_processing(body["media_ids"]):
                raise UnavailableError(NAME, "pictures are still being processed") from error
            raise
        return self._seen(made, draft)

    def _seen(self, status: Mapping[str, Any], draft: Draft) -> PostRef:
        """Remember an own status that is live."""
        ref = ref_of(status)
        self._timeline.last = ref.id
        return ref.compared(differences(status, draft.body))

    def find(self, draft: Draft) -> PostRef | None:
        # Asked each time: it proves that the server answers for this account before an
        # empty timeline is taken for absence.
        found = self._timeline.find(draft.body, self._me())
        return None if found is None else self._seen(found, draft)

    def delete(self, ref: PostRef) -> bool:
        id_, exchange = id_of(ref), self._api.exchange
        try:
            with self._api.calls():
                self._api.client.status_delete(id_)
            is_deleted = True
        except PlatformError as error:
            if exchange.status not in _DONE | _GONE:
                raise
            # A 404 may be another server's, and a deletion may be answered without a word.
            is_deleted = exchange.status in _DONE
            if self.exists(ref):
                raise UnavailableError(NAME, f"it can still be read: {error}") from error
        if self._timeline.last == id_:
            self._timeline.last = ""
        return is_deleted

    def exists(self, ref: PostRef) -> bool:
        return self._api.status(id_of(ref)) is not None

    def locate(self, address: str) -> PostRef | None:
        shown, me = self._api.status(id_of(PostRef(address))), self._me()
        if shown is None or str(object_in(shown, "account").get("id")) != me:
            # A page's address need not end in the id.
            listed = self._timeline.newest(me)
            found = (each for each in listed if address in {each.get("url"), each.get("uri")})
            shown = next(found, None)
        return None if shown is None else ref_of(shown)

    def abilities(self) -> Mapping[str, str]:
        limits, client = self.limits(), self._api.client
        noted = self._timeline.before(self._me(), self._visibility)
        some = noted["before"][:1]
        return {
            f"lists {self._visibility} statuses": "yes"
            if noted["proofs"]
            else "not seen yet: until one is, what has no answer is held",
            BATCHES: self._can(lambda: client.statuses(some)) if some else "unknown",
            "source": self._can(lambda: client.status_source(some[0])) if some else "unknown",
            "limits": f"{limits.max_length} characters, {limits.max_pictures} pictures",
        }

    def _can(self, call: Callable[[], object]) -> str:
        try:
            return "yes" if self._api.read(call, bool) else "no"
        except PlatformError as error:
            return f"no ({error})"

    def hide_reply(self, ref: PostRef, address: str) -> None:
        raise RejectedError(NAME, f"has no way to hide {address} below {ref.id}; report it instead")

    def revoke_quote(self, ref: PostRef, address: str) -> None:
        id_, client = id_of(ref), self._api.client
        pages = self._api.pages(partial(client.status_quotes, id_))
        known = (quote for page in pages for quote in page)
        at = (each for each in known if address in {each.get("url"), each.get("uri")})
        if (quote := next(at, None)) is None:
            raise RejectedError(NAME, f"the server knows no quote of {id_} at {address}")
        revoke = partial(client.status_quote_revoke, id_, str(quote["id"]))
        state = self._api.read(revoke, lambda status: object_in(status, "quote").get("state"))
        if state != "revoked":
            raise UnavailableError(NAME, f"the quote is {state or 'not told to be revoked'}")

    def metrics(self, refs: Sequence[PostRef]) -> Mapping[PostRef, Metrics]:
        refs_by_id = {id_of(ref): ref for ref in refs}
        numbers = self._timeline.numbers(self._timeline.me or self._me(), list(refs_by_id))
        return {refs_by_id[id_]: found for id_, found in numbers.items()}

    def recent(self) -> Sequence[PostRef]:
        return [ref_of(status) for status in self._timeline.page(self._me())]

    def close(self) -> None:
        self._api.session.close()
