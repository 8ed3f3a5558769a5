"""X as a platform: publishes once, reads back what is live."""

import base64
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from bot.errors import (
    OverBudgetError,
    PlatformError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)
from bot.platforms.base import Connection, PictureReader, Profile
from bot.platforms.http.exchange import confirmed, count_in, object_in
from bot.platforms.spec import Charge, Limits
from bot.platforms.status import Draft, Metrics, Picture, PostRef, ReplyTo, Status
from bot.platforms.x import NAME, SPEC, timeline
from bot.platforms.x.client import Client, Task, is_id
from bot.platforms.x.comparing import OTHER_REPLIES, differences, is_ours, receipt_differences

#: In X's words; who wrote a post may reply to it in any case.
_REPLY_SETTINGS = {"followed": "following", "mentioned": "mentionedUsers"}


class X:
    """One account; making one asks nothing, and is a SettingsError where asking is not safe.

    X has no key against doubles, so `find` is what settles a lost answer.
    """

    spec = SPEC

    def __init__(self, connection: Connection) -> None:
        self._account = connection.account
        self._client = Client(connection)
        self._read_action = SPEC.read_action(connection.account)
        #: Highest own id that this process has seen; saves a paid read before each status.
        self._newest: str | None = None
        #: Of the own timeline, whoever made them, in reads that were made for something else.
        self._carried: set[str] = set()

    def profile(self) -> Profile:
        charge = Charge("user_read", resources=(self._client.user,) if self._client.user else ())
        fields = {"user.fields": "public_metrics,description"}
        answer = self._client.ask(Task.READ, "GET", "/2/users/me", charge, params=fields)
        user = object_in(answer, "data")
        id_, handle = user.get("id"), user.get("username")
        if not is_id(id_) or not isinstance(handle, str):
            raise UnavailableError(NAME, "the profile has no id or no handle")
        return Profile(
            id=str(id_),
            handle=handle,
            is_labelled_bot=None,
            followers=count_in(object_in(user, "public_metrics"), "followers_count"),
            about=f"{user.get('name') or ''} / {user.get('description') or ''}",
            server="X API v2",
            access=self._client.session.access,
            lacks=SPEC.scopes if self._client.session.access == "read" else (),
        )

    def _user_id(self) -> str:
        self._client.user = self._client.user or self.profile().id
        return self._client.user

    def limits(self) -> Limits:
        """Return X's published limits, for it has none to ask; a Premium account has its length."""
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
        uploads = [_upload(self._client, picture, pictures(picture)) for picture in status.pictures]
        request: dict[str, Any] = {"text": status.text}
        if uploads:
            request["media"] = {"media_ids": [id_ for id_, _ in uploads]}
        if reply_to:
            request["reply"] = {"in_reply_to_tweet_id": reply_to.parent.id}
        elif status.replies:
            request["reply_settings"] = _REPLY_SETTINGS[status.replies]
        if self._newest is None:
            self._newest = timeline.newest_id(self._client, self._user_id(), self._read_action)
        body = {
            "v": 1,
            "at": at.isoformat(),
            "request": request,
            "media_keys": [media_key for _, media_key in uploads],
            "root": reply_to.root.id if reply_to else None,
            "newest": self._newest,
            "charge": SPEC.charges(status)[0].action,
        }
        return Draft(key, body)

    def publish(self, draft: Draft) -> PostRef:
        charge, request = Charge(str(draft.body["charge"])), draft.body["request"]
        try:
            answer = self._client.ask(Task.PUBLISH, "POST", "/2/tweets", charge, json=request)
        except (RejectedError, UnauthorizedError) as error:
            exchange = self._client.exchange
            # Why it is forbidden X says in words of its own.
            is_clear = exchange.status == 403
            raise error if is_clear else confirmed(exchange, error, self.profile) from error
        id_ = object_in(answer, "data").get("id")
        if not is_id(id_):
            raise UnconfirmedError(NAME, "the answer to a new status has no id")
        told = object_in(answer, "data").get("text")
        ref = self._seen(str(id_)).compared(receipt_differences(told, draft.body))
        if wanted := request.get("reply_settings"):
            with suppress(PlatformError, OverBudgetError):  # it may lag, or cost too much
                is_other = timeline.reply_setting(self._client, ref.id) not in ("", wanted)
                other = {"replies": OTHER_REPLIES} if is_other else {}
                return ref.compared({**ref.differs, **other})
        return ref

    def _seen(self, id_: str) -> PostRef:
        """Remember an own status that is live."""
        self._newest = max(self._newest or id_, id_, key=int)
        return self._ref(id_)

    def _ref(self, id_: str) -> PostRef:
        handle = self._account.handle.lstrip("@")
        return PostRef(id_, f"https://x.com/{handle or 'i'}/status/{id_}")

    def find(self, draft: Draft) -> PostRef | None:
        newest = draft.body["newest"]
        shown = timeline.statuses_since(self._client, self._user_id(), self._read_action, newest)
        ours = {status.id: status for status in shown if is_ours(status, draft.body)}
        if ours:
            first = ours[min(ours, key=int)]
            return self._seen(first.id).compared(differences(first, draft.body))
        is_newest_shown = newest in {status.id for status in shown}
        if newest and not is_newest_shown and self.exists(PostRef(newest)):
            raise UnavailableError(NAME, "the timeline does not show the newest known status yet")
        return None

    def delete(self, ref: PostRef) -> bool:
        route = f"/2/tweets/{ref.id}"
        try:
            answer = self._client.ask(Task.CHANGE, "DELETE", route, Charge("delete"))
        except UnavailableError:
            if self.exists(ref):
                raise
            return False  # not found, or deleted by this very call: gone either way
        is_deleted = object_in(answer, "data").get("deleted")
        if not isinstance(is_deleted, bool):
            raise UnavailableError(NAME, "the answer does not say whether it was deleted")
        return is_deleted

    def exists(self, ref: PostRef) -> bool:
        return timeline.look_up(self._client, [ref.id])[ref.id] is not None

    def locate(self, address: str) -> PostRef | None:
        id_ = urlsplit(address).path.rpartition("/")[2]
        # Of another account it would be shown by id, but not in the own timeline.
        is_own = is_id(id_) and id_ in timeline.own_page(self._client, self._user_id(), [id_])
        return self._seen(id_) if is_own else None

    def abilities(self) -> Mapping[str, str]:
        timeline.newest_id(self._client, self._user_id(), self._read_action)
        return {"timeline": "one page of it was read whole; it cost at most five reads"}

    def hide_reply(self, ref: PostRef, address: str) -> None:
        id_ = urlsplit(address).path.rstrip("/").rpartition("/")[2]
        if not is_id(id_):
            raise RejectedError(NAME, f"{address!r} is not the address of a post")
        route, charge = f"/2/tweets/{id_}/hidden", Charge("hide_reply")
        answer = self._client.ask(Task.CHANGE, "PUT", route, charge, json={"hidden": True})
        if object_in(answer, "data").get("hidden") is not True:
            raise UnavailableError(
                NAME, f"the answer does not say that it is hidden below {ref.id}"
            )

    def revoke_quote(self, ref: PostRef, address: str) -> None:
        raise RejectedError(
            NAME, f"has no way to take {ref.id} out of {address}; report it instead"
        )

    def metrics(self, refs: Sequence[PostRef]) -> Mapping[PostRef, Metrics]:
        ids = [ref.id for ref in refs]
        if SPEC.value(self._account, "owns_app"):
            numbers = timeline.read_own(self._client, self._user_id(), ids) if ids else {}
            self._carried.update(numbers)
        else:
            numbers = timeline.look_up(self._client, ids)
        return {ref: found for ref in refs if (found := numbers[ref.id]) is not None}

    def recent(self) -> Sequence[PostRef]:
        return [self._ref(id_) for id_ in sorted(self._carried, key=int, reverse=True)]

    def close(self) -> None:
        self._client.session.close()


def _upload(client: Client, picture: Picture, body: bytes) -> tuple[str, str]:
    """Upload and describe a picture; return its id, and the key that a status with it surely has.

    Until it is posted it is seen by nobody, and expires. tweepy has no upload for API v2
    (tweepy#2217), and the old one is shut down.
    """
    request: dict[str, Any] = {
        "media": base64.b64encode(body).decode("ascii"),
        "media_category": "tweet_gif" if picture.mime == "image/gif" else "tweet_image",
    }
    charge = Charge("media_upload")
    answer = client.ask(Task.CHANGE, "POST", "/2/media/upload", charge, json=request)
    data = object_in(answer, "data")
    id_, key, processing = data.get("id"), data.get("media_key"), data.get("processing_info")
    if not is_id(id_):
        raise UnavailableError(NAME, "the upload's answer has no id")
    state = processing.get("state") if isinstance(processing, dict) else "succeeded"
    if state == "failed":
        raise RejectedError(NAME, "the picture could not be processed")
    if state != "succeeded":
        raise UnavailableError(NAME, "the picture is not processed yet")
    if picture.alt:
        request = {"id": id_, "metadata": {"alt_text": {"text": picture.alt}}}
        charge = Charge("media_metadata")
        answer = client.ask(Task.CHANGE, "POST", "/2/media/metadata", charge, json=request)
        if not isinstance(answer.get("data"), dict):
            raise UnavailableError(NAME, "the description of a picture was not taken")
    return str(id_), key if isinstance(key, str) else f"3_{id_}"
