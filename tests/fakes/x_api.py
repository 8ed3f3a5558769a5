"""The operations of the X stand-in: what each request does, and what X would answer."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.fakes.x_spec import ApiRequest
from tests.fakes.x_world import World, XStatus, length, rendered

_PROBLEMS = "https://api.x.com/2/problems"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, as JSON; ``in_the_wild`` where X answers other than its description says."""

    status: int
    json: Any
    in_the_wild: bool = False

    @property
    def content_type(self) -> str:
        return "application/json" if self.status < 400 else "application/problem+json"

    def body(self) -> bytes:
        return json.dumps(self.json).encode()


def _problem(status: int, title: str, detail: str) -> Reply:
    """X's everyday refusal; its description knows no ``about:blank``."""
    raw = {"title": title, "detail": detail, "type": "about:blank", "status": status}
    return Reply(status, raw, in_the_wild=True)


UNAUTHORIZED = _problem(401, "Unauthorized", "Unauthorized")
TOO_MANY = _problem(429, "Too Many Requests", "Too Many Requests")
DUPLICATE = _problem(
    403, "Forbidden", "You are not allowed to create a Tweet with duplicate content."
)
TOO_LONG = _problem(403, "Forbidden", "Your Tweet text is too long.")
SUSPENDED = _problem(
    403, "Forbidden", "Your account is suspended and is not permitted to access this feature."
)
NO_CREDITS = _problem(
    402,
    "CreditsDepleted",
    "Your enrolled account does not have any credits to fulfill this request.",
)


def invalid(detail: str) -> Reply:
    raw = {"title": "Invalid Request", "detail": detail, "type": f"{_PROBLEMS}/invalid-request"}
    return Reply(400, raw)


#: An error that may stand beside what an answer tells.
INNER = {"title": "Internal Error", "detail": "Part of it.", "type": f"{_PROBLEMS}/internal-error"}


def serve(world: World, asked: ApiRequest, user: str) -> Reply:
    """Do what a signed, valid request asks for."""
    path = asked.path
    if asked.method == "POST":
        operation = {
            "/2/tweets": _create,
            "/2/media/upload": _upload,
            "/2/media/metadata": _describe,
        }[path]
        return operation(world, json.loads(asked.body), user)
    if asked.method == "PUT":
        return _hide(world, path.split("/")[3], user, json.loads(asked.body))
    if asked.method == "DELETE":
        return _delete(world, path.rpartition("/")[2], user)
    if path == "/2/users/me":
        return _me(world, asked, user)
    if path == "/2/tweets":
        return _lookup(world, asked)
    return _timeline(world, asked, user)


def _create(world: World, body: dict[str, Any], user: str) -> Reply:
    text, media = body.get("text", ""), body.get("media", {}).get("media_ids", [])
    parent = body.get("reply", {}).get("in_reply_to_tweet_id")
    if refused := _refusal(world, user, text, media, parent):
        return refused
    status = world.create(user, text, media, parent)
    status.replies = body.get("reply_settings", "everyone")
    shown = rendered(status)
    return Reply(201, {"data": {"id": status.id, "text": shown["text"]}})


def _refusal(
    world: World, user: str, text: str, media: list[str], parent: str | None
) -> Reply | None:
    if not text and not media:
        return invalid("text or media is required")
    if unknown := [one for one in media if one not in world.media]:
        return invalid(f"media ids {unknown} are invalid")
    if length(text) > world.max_length:
        return TOO_LONG
    if parent and (parent not in world.statuses or world.statuses[parent].deleted):
        return _problem(
            403,
            "Forbidden",
            "You attempted to reply to a Tweet that is deleted or not visible to you.",
        )
    return DUPLICATE if world.is_duplicate(user, text, media) else None


def _delete(world: World, id_: str, user: str) -> Reply:
    status = world.statuses.get(id_)
    if status is None or status.deleted or status.user != user:
        return Reply(200, {"data": {"deleted": False}})
    world.delete(status)
    return Reply(200, {"data": {"deleted": True}})


def _hide(world: World, id_: str, user: str, body: dict[str, Any]) -> Reply:
    status = world.statuses.get(id_)
    if status is None or status.root == id_ or world.statuses[status.root].user != user:
        return _problem(403, "Forbidden", "You cannot hide this reply.")
    status.is_hidden = bool(body.get("hidden"))
    world.bill("hide_reply")
    return Reply(200, {"data": {"hidden": status.is_hidden}})


def _upload(world: World, body: dict[str, Any], _user: str) -> Reply:
    try:
        picture = base64.b64decode(body["media"], validate=True)
    except (binascii.Error, ValueError):
        return invalid("media is not base64")
    if len(picture) > 5_000_000 or not picture.startswith(
        (b"\x89PNG", b"\xff\xd8", b"GIF8", b"RIFF")
    ):
        return invalid("media is no picture, or too large")
    media = world.upload(len(picture), hashlib.sha256(picture).hexdigest())
    shown = {"id": media.id, "media_key": f"3_{media.id}", "size": media.size}
    return Reply(200, {"data": {**shown, "expires_after_secs": 86400}})


def _describe(world: World, body: dict[str, Any], _user: str) -> Reply:
    media = world.media.get(body["id"])
    if media is None:
        return invalid("no such media")
    world.describe(media, body.get("metadata", {}).get("alt_text", {}).get("text", ""))
    return Reply(200, {"data": {"id": media.id, "associated_metadata": {}}})


def _me(world: World, asked: ApiRequest, user: str) -> Reply:
    world.bill("user_read", user)
    shown: dict[str, Any] = {"id": user, "username": f"u{user}", "name": "The coalition"}
    if "public_metrics" in asked.query.get("user.fields", ""):
        shown["public_metrics"] = {
            "followers_count": 1234,
            "following_count": 5,
            "post_count": len(world.live(user)),
            "listed_count": 0,
        }
    return Reply(200, {"data": shown})


def _lookup(world: World, asked: ApiRequest) -> Reply:
    found, errors = [], []
    for id_ in asked.query["ids"].split(","):
        status = world.statuses.get(id_)
        if status is None or status.deleted:
            errors.append(_missing(id_))
        elif "non_public_metrics" in asked.query.get("post.fields", "") and (
            status.created_at.date() < world.today() - _OWN_NUMBERS_FOR
        ):
            errors.append(_withheld(id_))
        else:
            world.bill("read", id_)
            found.append(_chosen(status, asked, world))
    answer: dict[str, Any] = {}
    if found:
        answer["data"] = found
    if errors:
        answer["errors"] = errors
    return Reply(200, answer)


#: For how long X tells an author the numbers that only authors see.
_OWN_NUMBERS_FOR = timedelta(days=30)


def _withheld(id_: str) -> dict[str, Any]:
    return {
        "value": id_,
        "detail": f"Sorry, you are not authorized to access non_public_metrics on [{id_}].",
        "title": "Field Authorization Error",
        "resource_type": "tweet",
        "parameter": "post.fields",
        "resource_id": id_,
        "field": "non_public_metrics",
        "section": "data",
        "type": f"{_PROBLEMS}/not-authorized-for-field",
    }


def _missing(id_: str) -> dict[str, Any]:
    return {
        "value": id_,
        "detail": f"Could not find tweet with ids: [{id_}].",
        "title": "Not Found Error",
        "resource_type": "tweet",
        "parameter": "ids",
        "resource_id": id_,
        "type": f"{_PROBLEMS}/resource-not-found",
    }


def _timeline(world: World, asked: ApiRequest, user: str) -> Reply:
    owner = asked.path.split("/")[3]
    since = int(asked.query.get("since_id", "0"))
    before = (
        int(asked.query.get("pagination_token", "v" * 4), 32)
        if ("pagination_token" in asked.query)
        else None
    )
    until = int(asked.query.get("until_id", "0")) or None
    size = int(asked.query.get("max_results", "10"))
    shown = [
        status
        for status in world.timeline(owner)
        if int(status.id) > since
        and (before is None or int(status.id) < before)
        and (until is None or int(status.id) < until)
    ]
    page, rest = shown[:size], shown[size:]
    for status in page:
        world.bill("owned_read" if world.owns_app and owner == user else "read", status.id)
    return Reply(200, _page(page, rest, asked, world))


def _page(
    page: list[XStatus], rest: list[XStatus], asked: ApiRequest, world: World
) -> dict[str, Any]:
    meta: dict[str, Any] = {"result_count": len(page)}
    if not page:
        return {"meta": meta}
    meta |= {"newest_id": page[0].id, "oldest_id": page[-1].id}
    if rest:
        meta["next_token"] = _base32(int(page[-1].id))
    return {"data": [_chosen(status, asked, world) for status in page], "meta": meta}


def _base32(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 32)
        digits = "0123456789abcdefghijklmnopqrstuv"[digit] + digits
    return digits


def _chosen(status: XStatus, asked: ApiRequest, world: World) -> dict[str, Any]:
    """Keep only the fields that were asked for, as X does."""
    fields = {"id", "text", "edit_history_post_ids", *asked.query.get("post.fields", "").split(",")}
    shown = rendered(status)
    if world.max_length > 280 and length(status.text) > 280:
        shown["note_post"] = {"text": shown["text"]} | (
            {"entities": shown["entities"]} if "entities" in shown else {}
        )
        shown["text"] = shown["text"][:270] + "…"
    return {name: value for name, value in shown.items() if name in fields}
