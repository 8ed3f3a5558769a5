"""X as a platform: publishes once, reads back what is live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.errors import UnavailableError, UnconfirmedError
from bot.platforms.base import Connection, PictureReader, Profile
from bot.platforms.spec import Charge, Limits, PlatformSpec
from bot.platforms.status import Draft, Metrics, PostRef, ReplyTo, Status
from bot.platforms.x.client import Call, Client
from bot.platforms.x.lookup import look_up, numbers
from bot.platforms.x.outcomes import Task
from bot.platforms.x.owned import OwnNumbers
from bot.platforms.x.reading import Shown, canonical
from bot.platforms.x.spec import NAME, SPEC
from bot.platforms.x.timeline import XTimeline
from bot.platforms.x.uploading import upload


def connect(connection: Connection) -> X:
    """Make the adapter; nothing is asked of X yet.

    Raises:
        SettingsError: a secret is missing, or ``server`` is not safe.
    """
    client = Client(connection)
    return X(connection, client)


class X:
    """One account on X. X has no key against doubles, so `find` is what settles a lost answer."""

    def __init__(self, connection: Connection, client: Client) -> None:
        self._account = connection.account
        self._client = client
        self._user = client.token_user
        #: Highest own id that this process has seen; saves a paid read before each status.
        self._newest: str | None = None
        self._timeline = XTimeline(client, self._user_id, SPEC.read_action(connection.account))

    @property
    def spec(self) -> PlatformSpec:
        return SPEC

    def profile(self) -> Profile:
        answer = self._client.ask(
            Call(
                Task.READ,
                "GET",
                "/2/users/me",
                Charge("user_read", resources=(self._user,) if self._user else ()),
                params={"user.fields": "public_metrics"},
            )
        )
        data = answer.get("data")
        known = data if isinstance(data, dict) else {}
        id_, handle = known.get("id"), known.get("username")
        if not isinstance(id_, str) or not id_.isdigit() or not isinstance(handle, str):
            raise UnavailableError(NAME, "the profile has no id or no handle")
        told = known.get("public_metrics")
        followers = told.get("followers_count") if isinstance(told, dict) else None
        return Profile(
            id=id_,
            handle=handle,
            is_labelled_bot=None,
            followers=followers if isinstance(followers, int) else None,
            server="X API v2",
        )

    def _user_id(self) -> str:
        if self._user is None:
            self._user = self.profile().id
        return self._user

    def limits(self) -> Limits:
        """Give X's published limits, as X has nothing to ask; a Premium account has its length."""
        longer = self._account.max_length
        return replace(SPEC.limits, max_length=longer) if longer else SPEC.limits

    def prepare(
        self,
        status: Status,
        *,
        key: str,
        at: datetime,
        reply_to: ReplyTo | None,
        pictures: PictureReader,
    ) -> Draft:
        uploaded = [upload(self._client, one, pictures(one)) for one in status.pictures]
        request: dict[str, Any] = {"text": status.text}
        if uploaded:
            request["media"] = {"media_ids": [one.id for one in uploaded]}
        if reply_to:
            request["reply"] = {"in_reply_to_tweet_id": reply_to.parent.id}
        if self._newest is None:
            self._newest = self._timeline.newest()
        wire = {
            "v": 1,
            "at": at.isoformat(),
            "request": request,
            "media_keys": [one.key for one in uploaded],
            "root": reply_to.root.id if reply_to else None,
            "newest": self._newest,
            "charge": SPEC.charges(status)[0].action,
        }
        return Draft(key, wire)

    def publish(self, draft: Draft) -> PostRef:
        answer = self._client.ask(
            Call(
                Task.PUBLISH,
                "POST",
                "/2/tweets",
                Charge(str(draft.wire["charge"])),
                json=draft.wire["request"],
            )
        )
        data = answer.get("data")
        id_ = data.get("id") if isinstance(data, dict) else None
        if not isinstance(id_, str) or not id_.isdigit():
            raise UnconfirmedError(NAME, "the answer to a new status has no id")
        self._saw(id_)
        return self._ref(id_)

    def _saw(self, id_: str) -> None:
        self._newest = max(self._newest or id_, id_, key=int)

    def _ref(self, id_: str) -> PostRef:
        handle = self._account.handle.lstrip("@")
        return PostRef(id_, f"https://x.com/{handle or 'i'}/status/{id_}")

    def find(self, draft: Draft) -> PostRef | None:
        newest = draft.wire["newest"]
        shown = self._timeline.since(newest)
        ours = [one for one in shown if _is_ours(one, draft.wire)]
        if ours:
            found = min((one.id for one in ours), key=int)
            self._saw(found)
            return self._ref(found)
        if newest and newest not in {one.id for one in shown} and self.exists(PostRef(newest)):
            raise UnavailableError(NAME, "the timeline does not show the newest known status yet")
        return None

    def delete(self, ref: PostRef) -> bool:
        call = Call(Task.CHANGE, "DELETE", f"/2/tweets/{ref.id}", Charge("delete"))
        try:
            answer = self._client.ask(call)
        except UnavailableError:
            if self.exists(ref):
                raise
            return False  # not found, or deleted by this very call: gone either way
        data = answer.get("data")
        deleted = data.get("deleted") if isinstance(data, dict) else None
        if not isinstance(deleted, bool):
            raise UnavailableError(NAME, "the answer does not say whether it was deleted")
        return deleted

    def exists(self, ref: PostRef) -> bool:
        return look_up(self._client, [ref.id])[ref.id] is not None

    def metrics(self, refs: Sequence[PostRef]) -> Mapping[PostRef, Metrics]:
        if SPEC.value(self._account, "owns_app"):
            return OwnNumbers(self._client, self._user_id).read(refs)
        return numbers(self._client, refs)

    def close(self) -> None:
        self._client.close()


def _is_ours(shown: Shown, wire: Mapping[str, Any]) -> bool:
    """Return whether a status is the one of this draft: certain by its pictures, else by its text.

    Raises:
        UnconfirmedError: it says the same with other pictures; only a person can tell.
    """
    keys = frozenset(wire["media_keys"])
    if keys & shown.media_keys:
        return True
    says_the_same = shown.text == canonical(wire["request"]["text"])
    if not says_the_same or not _hangs_there(shown, wire) or shown.id == wire["newest"]:
        return False
    if keys or shown.media_keys:
        raise UnconfirmedError(NAME, f"status {shown.id} says the same with other pictures")
    return True


def _hangs_there(shown: Shown, wire: Mapping[str, Any]) -> bool:
    reply = wire["request"].get("reply")
    if reply is None:
        return shown.parent is None and shown.root == shown.id
    if shown.parent is not None:
        return bool(shown.parent == reply["in_reply_to_tweet_id"])
    return bool(shown.root == wire["root"])
