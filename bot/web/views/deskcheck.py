"""Desk check: a file of posts, proved and shown before it is committed; nothing is stored."""

from __future__ import annotations

import base64
from typing import Any

from bot.services.deskcheck import NEW_FILE, Checked
from bot.services.users import Right
from bot.web.answers import Answer, Page
from bot.web.asking import Asked, RefusedError
from bot.web.views.post import look_of

#: As much as a file of posts may have (content.files), and as a form can carry.
MOST = 262_144


def form(asked: Asked) -> Answer:
    """Ask for a text; with ``file`` it starts with the file in force."""
    asked.require(Right.CHECK)
    check = asked.house.deskcheck
    name = asked.choice("file", (NEW_FILE, *check.names()))
    raw = check.files().get(name, b"")
    text = raw.decode(errors="replace")
    return Page("check.html", _values(asked, name, text, None))


def check(asked: Asked) -> Answer:
    """Tell every problem by line, and show every post."""
    asked.require(Right.CHECK)
    names = (NEW_FILE, *asked.house.deskcheck.names())
    name = asked.said("file", default=NEW_FILE)
    if name not in names:
        raise RefusedError(400, "no such file")
    text = asked.said("text", most=MOST, default="")
    if asked.upload is not None:
        if len(asked.upload) > MOST:
            raise RefusedError(413, f"a file has at most {MOST // 1024} KiB")
        text = asked.upload.decode(errors="replace")
    checked = asked.house.deskcheck.check(name, text)
    return Page("check.html", _values(asked, name, text, checked))


def _values(asked: Asked, name: str, text: str, checked: Checked | None) -> dict[str, Any]:
    accounts = asked.house.campaign.schedule.accounts
    previews = [
        (
            one.post,
            [
                look_of(
                    shown,
                    (accounts[shown.account].handle if shown.account in accounts else "")
                    or shown.account,
                )
                for shown in one.shown
            ],
        )
        for one in (checked.previews if checked else ())
    ]
    problems = checked.problems if checked else ()
    return {
        "names": (NEW_FILE, *asked.house.deskcheck.names()),
        "new_file": NEW_FILE,
        "name": name,
        "text": text,
        "checked": checked,
        "errors": [one for one in problems if one.severity.value == "error"],
        "others": [one for one in problems if one.severity.value != "error"],
        "marked": {one.line for one in problems},
        "lines": text.split("\n"),
        "previews": previews,
        "pictures": {
            sha256: base64.b64encode(data).decode()
            for sha256, data in (checked.pictures if checked else {}).items()
        },
    }
