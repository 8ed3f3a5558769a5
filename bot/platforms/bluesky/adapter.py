"""Publishes to one Bluesky account, and reads back from it, through atproto."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from datetime import datetime
from typing import Any

from bot import visible
from bot.canonical import JsonObject
from bot.errors import (
    PlatformError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)
from bot.platforms.base import Connection, PictureReader, Profile, PublishedText
from bot.platforms.bluesky import NAME, SPEC
from bot.platforms.bluesky import record as records
from bot.platforms.bluesky.api import REFUSED, SignedIn, procedure, query
from bot.platforms.http.exchange import confirmed, object_in, objects_in
from bot.platforms.spec import Limits
from bot.platforms.status import Draft, FacetKind, Metrics, PostRef, ReplyTo, Status

#: Errors of a 400 that are about the session, not about the post; nothing was written.
_STALE = frozenset({"ExpiredToken", "InvalidToken", "AuthMissing", "AuthenticationRequired"})
#: What publishes, one or several records.
_WRITES = ("com.atproto.repo.putRecord", "com.atproto.repo.applyWrites")
_CLOSED = frozenset({"AccountTakedown", "AccountDeactivated", "AccountSuspended"})


class BlueskyPlatform:
    """One account; making one asks nothing, and is a SettingsError where asking is not safe."""

    spec = SPEC

    def __init__(self, connection: Connection) -> None:
        self._account, self._documents = connection.account, connection.documents
        self._session = SignedIn(connection)

    def profile(self) -> Profile:
        self._session.client()
        profile = self._session.record(self._session.did, "self", "app.bsky.actor.profile")
        shown = object_in(profile, "value")
        labels = objects_in(profile, "value", "labels", "values")
        followers = None
        with suppress(PlatformError):  # a number that is not told is missing
            followers = self._session.followers(self._session.did)
        return Profile(
            id=self._session.did,
            handle=self._session.handle,
            is_labelled_bot=any(label.get("val") == "bot" for label in labels),
            followers=followers,
            about=" / ".join(
                [str(shown.get(key) or "") for key in ("displayName", "description")]
                + [str(object_in(shown, "avatar", "ref").get("$link") or "")]
            ),
            server=self._session.origin,
            access=self._session.scope,
        )

    def limits(self) -> Limits:
        return SPEC.limits.for_account(self._account)

    def prepare(
        self,
        status: Status,
        *,
        key: str,
        at: datetime,
        reply_to: ReplyTo | None,
        pictures: PictureReader,
    ) -> Draft:
        self._session.client()
        shown = status.pictures
        if not shown and status.card and status.card.thumb:
            shown = (status.card.thumb,)
        handles = {facet.value for facet in status.facets if facet.kind is FacetKind.MENTION}
        strong = self._session.strong
        record = records.post_record(
            status,
            at=at,
            blobs={picture.sha256: self._session.upload(picture, pictures) for picture in shown},
            dids={handle: self._session.did_of(handle) for handle in sorted(handles)},
            reply={"root": strong(reply_to.root), "parent": strong(reply_to.parent)}
            if reply_to
            else None,
            document=records.associated(status, self._documents, self._session.did),
        )
        body = {"repo": self._session.did, "rkey": records.tid(at, key), "record": record}
        # Only the first status of a conversation says who may reply in it.
        limits = {"replies": "" if reply_to else status.replies, "quotes": status.quotes}
        return Draft(key, body | {name: who for name, who in limits.items() if who})

    def publish(self, draft: Draft) -> PostRef:
        client = self._session.client()
        if self._session.did != draft.body["repo"]:
            raise UnauthorizedError(NAME, "the account is another one than the draft was made for")
        method, body = _call(draft.body)
        try:
            with self._session.calls(client, writing=True, refusals=REFUSED):
                answer = procedure(client, method, body)
                ref = self._ref(answer["results"][0] if "writes" in body else answer, draft)
        except (RejectedError, UnauthorizedError, UnconfirmedError) as error:
            raise self._meant(error) from error
        ref = self._compared(ref, draft)
        with suppress(PlatformError):
            return self._with_gates(ref, draft)
        told = {"controls": "who may reply and quote could not be read back"}
        return ref.compared({**ref.differs, **told})

    def _with_gates(self, ref: PostRef, draft: Draft) -> PostRef:
        """Read back who may reply and quote, and say what is otherwise."""
        told = dict(ref.differs)
        for collection, record in records.gates(draft.body).items():
            seen = self._session.record(draft.body["repo"], draft.body["rkey"], collection)
            if seen is None or not records.is_same(seen["value"], record):
                name = collection.rpartition(".")[2]
                told[name] = f"its {name} is {'another one' if seen else 'missing'}"
        return ref.compared(told)

    def _compared(self, ref: PostRef, draft: Draft) -> PostRef:
        """Say what differs, where the server's hash is not that of the record that was sent."""
        record = draft.body["record"]
        if ref.cid == records.cid_of(record):
            return ref
        with suppress(PlatformError):
            seen = self._session.record(draft.body["repo"], draft.body["rkey"])
            return ref.compared(records.differences(object_in(seen, "value"), record))
        return ref.compared({"record": "its content hash is not that of what was sent"})

    def _meant(self, error: PlatformError) -> PlatformError:
        """Return what a refusal means here, where one status may mean several things."""
        exchange = self._session.exchange
        if not exchange.path.endswith(_WRITES):
            # The library wanted another session first, and got none or could not read ours.
            return UnavailableError(NAME, str(error))
        if exchange.status == 400:
            if exchange.error == "InvalidSwap":
                return UnconfirmedError(NAME, "the record key holds another record")
            if exchange.error in _STALE:
                return UnavailableError(NAME, f"the session ended: {error}")
            if exchange.error in _CLOSED:
                return UnauthorizedError(NAME, str(error))
        return confirmed(exchange, error, self._session.client)

    def find(self, draft: Draft) -> PostRef | None:
        seen = self._session.record(draft.body["repo"], draft.body["rkey"])
        if seen is None:
            return None
        if not records.is_same(seen["value"], draft.body["record"]):
            raise UnconfirmedError(NAME, f"{seen['uri']} is not what was to be posted")
        return self._with_gates(self._ref(seen, draft), draft)

    def delete(self, ref: PostRef) -> bool:
        repo, rkey = self._session.place(ref)
        if self._session.record(repo, rkey) is None:
            return False
        client = self._session.client()
        for collection in (records.COLLECTION, *records.GATE_LISTS):
            body = {"repo": repo, "collection": collection, "rkey": rkey}
            # What is beside a post means nothing once it is gone.
            beside = nullcontext() if collection == records.COLLECTION else suppress(PlatformError)
            with beside, self._session.calls(client):
                procedure(client, "com.atproto.repo.deleteRecord", body)
        return True

    def exists(self, ref: PostRef) -> bool:
        return self._session.record(*self._session.place(ref)) is not None

    def locate(self, address: str) -> PostRef | None:
        if records.place_of(address) is None:
            return None
        repo, rkey = self._session.place(PostRef(address))
        seen = self._session.record(repo, rkey)
        if seen is None or repo != self._session.did:
            return None
        return PostRef(seen["uri"], address, seen["cid"])

    def abilities(self) -> Mapping[str, str]:
        self._session.client()
        self._session.record(self._session.did, "self", "app.bsky.actor.profile")
        return {"records": "are read by their keys, so no answer can be lost for good"}

    def hide_reply(self, ref: PostRef, address: str) -> None:
        self._session.turn_away(ref, address, records.THREADGATE)

    def revoke_quote(self, ref: PostRef, address: str) -> None:
        self._session.turn_away(ref, address, records.POSTGATE)

    def metrics(self, refs: Sequence[PostRef]) -> Mapping[PostRef, Metrics]:
        if not refs:
            return {}
        uris = {ref: records.at_uri(*self._session.place(ref)) for ref in refs}
        counted = self._session.numbers(list(dict.fromkeys(uris.values())))
        # An AppView that has not seen a post yet, or hides it, knows no numbers; only the
        # account's own server knows that it is gone.
        return {
            ref: counted.get(uri, Metrics())
            for ref, uri in uris.items()
            if uri in counted or self.exists(ref)
        }

    def recent(self) -> Sequence[PostRef]:
        with self._session.calls() as client:
            asked = {"repo": self._session.did, "collection": records.COLLECTION, "limit": 50}
            listed = query(client, "com.atproto.repo.listRecords", **asked)["records"]
            return [PostRef(visible.short(record["uri"])) for record in listed]

    def put_document(self, document: PublishedText) -> PostRef:
        self._session.client()
        repo, rkey = self._session.did, records.document_key(document)
        record = records.document_record(document, repo)
        answer = self._session.record(repo, rkey, records.DOCUMENTS)
        if answer is None:
            create = {"record": record, "swapRecord": None}  # never overwrite
            body = {"repo": repo, "collection": records.DOCUMENTS, "rkey": rkey, **create}
            with self._session.calls(writing=True, refusals=REFUSED) as client:
                answer = procedure(client, "com.atproto.repo.putRecord", body)
        if answer["cid"] != records.cid_of(record):
            raise RejectedError(NAME, f"{answer['uri']} has another content hash than the text")
        return PostRef(str(answer["uri"]), cid=str(answer["cid"]))

    def close(self) -> None:
        self._session.close()

    def _ref(self, answer: Mapping[str, Any], draft: Draft) -> PostRef:
        repo, rkey = draft.body["repo"], draft.body["rkey"]
        uri, cid = answer["uri"], answer["cid"]
        if uri != records.at_uri(repo, rkey) or not records.is_cid(cid):
            raise TypeError("another record")
        handle = self._session.handle
        actor = repo if handle == "handle.invalid" else handle
        return PostRef(uri, f"https://bsky.app/profile/{actor}/post/{rkey}", cid)


def _call(body: JsonObject) -> tuple[str, JsonObject]:
    """Return the one call that publishes a draft, which never overwrites another record."""
    to, validates = {"repo": body["repo"]}, {"validate": True}
    post = {"collection": records.COLLECTION, "rkey": body["rkey"]}
    beside = records.gates(body)
    if not beside:
        # swapRecord null: create, or agree that just this record is there.
        sent = {**to, **post, "record": body["record"], "swapRecord": None, **validates}
        return "com.atproto.repo.putRecord", sent
    # All of them or none; each is created, so that a second call under the same keys is refused.
    together = {records.COLLECTION: body["record"], **beside}
    create = {"$type": "com.atproto.repo.applyWrites#create", "rkey": body["rkey"]}
    writes = [{**create, "collection": each, "value": record} for each, record in together.items()]
    return "com.atproto.repo.applyWrites", {**to, "writes": writes, **validates}
