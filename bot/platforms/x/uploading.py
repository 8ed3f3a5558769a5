"""Uploads pictures to X; what is uploaded and never posted is seen by nobody and expires."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from bot.errors import RejectedError, UnavailableError
from bot.platforms.http.answers import object_in
from bot.platforms.spec import Charge
from bot.platforms.status import Picture
from bot.platforms.x.client import Client, Task, is_id
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
    request = {
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
        _describe(client, str(id_), picture.alt)
    return Uploaded(str(id_), key if isinstance(key, str) else f"3_{id_}")


def _describe(client: Client, id_: str, alt: str) -> None:
    request = {"id": id_, "metadata": {"alt_text": {"text": alt}}}
    charge = Charge("media_metadata")
    answer = client.ask(Task.CHANGE, "POST", "/2/media/metadata", charge, json=request)
    if not isinstance(answer.get("data"), dict):
        raise UnavailableError(NAME, "the description of a picture was not taken")
