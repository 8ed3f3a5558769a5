"""What an instance says about itself, in the newest or the older form, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import requests

from bot.platforms.http.session import BoundedSession
from bot.platforms.spec import Limits

_PATHS = ("/api/v2/instance", "/api/v1/instance")


def ask(
    session: BoundedSession, origin: str, calls: Callable[[], AbstractContextManager[None]]
) -> Mapping[str, Any]:
    """Ask an instance about itself, in our own words: the library adds a slash that some refuse.

    Returns:
        Empty where it does not say.

    Raises:
        UnavailableError: it did not answer at all.
    """
    for path in _PATHS:
        with calls():
            response = session.get(origin + path)
            if response.status_code == 429:
                raise TypeError("rate limited")
        told = _json_object(response)
        if told is not None:
            return told
    return {}


def limits_of(told: Mapping[str, Any], usual: Limits) -> Limits:
    """Read an instance's limits; what it does not say, or says badly, stays the usual."""
    statuses = _part(told, "statuses")
    media = _part(told, "media_attachments")
    # Pleroma and its relatives tell the length at the top.
    length = _count(statuses.get("max_characters")) or _count(told.get("max_toot_chars"))
    return replace(
        usual,
        max_length=length or usual.max_length,
        url_length=_count(statuses.get("characters_reserved_per_url")) or usual.url_length,
        max_pictures=_count(statuses.get("max_media_attachments")) or usual.max_pictures,
        max_alt=_count(media.get("description_limit"))
        or _count(told.get("description_limit"))
        or usual.max_alt,
        max_picture_bytes=_count(media.get("image_size_limit")) or usual.max_picture_bytes,
        max_pixels=_count(media.get("image_matrix_limit")) or usual.max_pixels,
        picture_mimes=_mimes(media.get("supported_mime_types"), usual.picture_mimes),
    )


def _json_object(response: requests.Response) -> Mapping[str, Any] | None:
    """Read an answer that should be a JSON object; None where it is not a good one."""
    if response.status_code != 200:
        return None
    try:
        value = response.json()
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _part(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    configuration = told.get("configuration")
    part = configuration.get(name) if isinstance(configuration, dict) else None
    return part if isinstance(part, dict) else {}


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 < value < 2**40 else None


def _mimes(told: object, usual: tuple[str, ...]) -> tuple[str, ...]:
    known = tuple(mime for mime in usual if isinstance(told, list) and mime in told)
    return known or usual
