"""Desk check: a file of posts, proved and shown before it is committed; nothing is stored."""

from __future__ import annotations

import base64
from typing import Any

from bot.authority.users import Right
from bot.checks.checking import NEW_FILE, CheckedFile
from bot.web.answers import Answer, Page
from bot.web.request_context import RefusedRequestError, RequestContext
from bot.web.views.post import looks_of

#: As much as a file of posts may have (content.files), and as a form can carry.
MOST = 262_144


def form(request: RequestContext) -> Answer:
    """Ask for a text; with ``file`` it starts with the file in force."""
    request.require(Right.CHECK)
    check = request.context.deskcheck
    name = request.choice("file", (NEW_FILE, *check.names()))
    raw = check.files().get(name, b"")
    text = raw.decode(errors="replace")
    return Page("check.html", _values(request, name, text, None))


def check(request: RequestContext) -> Answer:
    """Return every problem by line, and show every post."""
    request.require(Right.CHECK)
    names = (NEW_FILE, *request.context.deskcheck.names())
    name = request.form_value("file", default=NEW_FILE)
    if name not in names:
        raise RefusedRequestError(400, "no such file")
    text = request.form_value("text", most=MOST, default="")
    if request.upload is not None:
        if len(request.upload) > MOST:
            raise RefusedRequestError(413, f"a file has at most {MOST // 1024} KiB")
        text = request.upload.decode(errors="replace")
    checked = request.context.deskcheck.check(name, text)
    return Page("check.html", _values(request, name, text, checked))


def _values(
    request: RequestContext, name: str, text: str, checked: CheckedFile | None
) -> dict[str, Any]:
    whole = checked.rendered if checked else None
    posts = checked.posts if checked else ()
    previews = [(post, looks_of(whole, post)) for post in posts] if whole else []
    parts = (part for _post, looks in previews for look in looks for part in look.parts)
    shown = {picture.sha256 for part in parts for picture in part.status.pictures}
    problems = checked.problems if checked else ()
    return {
        "names": (NEW_FILE, *request.context.deskcheck.names()),
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
            for sha256, data in (whole.pictures if whole else {}).items()
            if sha256 in shown
        },
    }
