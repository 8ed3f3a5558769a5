"""Uploads pictures to X; what is uploaded and never posted is seen by nobody and expires."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import RejectedError, UnavailableError
from bot.platforms.spec import Charge
from bot.platforms.status import Picture
from bot.platforms.x.client import Call, Client
from bot.platforms.x.outcomes import Task
from bot.platforms.x.spec import NAME


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A picture as X knows it."""

    id: str
    #: What a status that carries it is known by for certain.
    key: str


def upload(client: Client, picture: Picture, body: bytes) -> Uploaded:
    """Upload one picture and describe it.

    tweepy has no upload for API v2 (tweepy#2217), and the old one is shut down.

    Raises:
        RejectedError: X will not take the picture or its description.
        UnavailableError: X has not taken it now.
    """
    category = "tweet_gif" if picture.mime == "image/gif" else "tweet_image"
    request = {"media": base64.b64encode(body).decode("ascii"), "media_category": category}
    answer = client.ask(
        Call(Task.CHANGE, "POST", "/2/media/upload", Charge("media_upload"), json=request)
    )
    uploaded = _read(answer)
    if picture.alt:
        _describe(client, uploaded.id, picture.alt)
    return uploaded


def _read(answer: Mapping[str, Any]) -> Uploaded:
    data = answer.get("data")
    id_ = data.get("id") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(id_, str) or not id_.isdigit():
        raise UnavailableError(NAME, "the upload's answer has no id")
    processing = data.get("processing_info")
    state = processing.get("state") if isinstance(processing, dict) else "succeeded"
    if state == "failed":
        raise RejectedError(NAME, "the picture could not be processed")
    if state != "succeeded":
        raise UnavailableError(NAME, "the picture is not processed yet")
    key = data.get("media_key")
    return Uploaded(id_, key if isinstance(key, str) else f"3_{id_}")


def _describe(client: Client, id_: str, alt: str) -> None:
    request = {"id": id_, "metadata": {"alt_text": {"text": alt}}}
    answer = client.ask(
        Call(Task.CHANGE, "POST", "/2/media/metadata", Charge("media_metadata"), json=request)
    )
    if not isinstance(answer.get("data"), dict):
        raise UnavailableError(NAME, "the description of a picture was not taken")
