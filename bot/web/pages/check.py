"""Desk check: a file of posts, proved and shown before it is committed; nothing is stored."""

import base64
from typing import Any

from bot.checks.checking import NEW_FILE, CheckedContent
from bot.errors import Severity
from bot.web.rendering import looks_of
from bot.web.request import Answer, Page, RefusedRequestError, RequestContext

#: As much as a file of posts may have (content.files), and as a form can carry.
MOST = 262_144


def page(request: RequestContext) -> Answer:
    """Ask for a text; with ``file`` it starts with the file in force."""
    deskcheck = request.context.deskcheck
    name = request.choice("file", (NEW_FILE, *deskcheck.names()))
    text = deskcheck.files().get(name, b"").decode(errors="replace")
    return Page("check.html", _values(request, name, text, None))


def check(request: RequestContext) -> Answer:
    """Return every problem by line, and show every post."""
    deskcheck = request.context.deskcheck
    name = request.form_value("file", default=NEW_FILE)
    if name not in (NEW_FILE, *deskcheck.names()):
        raise RefusedRequestError(400, "no such file")
    text = request.form_value("text", most=MOST, default="")
    if request.upload is not None:
        if len(request.upload) > MOST:
            raise RefusedRequestError(413, f"a file has at most {MOST // 1024} KiB")
        text = request.upload.decode(errors="replace")
    return Page("check.html", _values(request, name, text, deskcheck.check(name, text)))


def _values(
    request: RequestContext, name: str, text: str, checked: CheckedContent | None
) -> dict[str, Any]:
    whole, found = (checked.readable, checked.problems) if checked else (None, ())
    posts = [each for each in whole.campaign.posts if each.place.file == name] if whole else []
    previews = [(post, looks_of(whole, post)) for post in posts] if whole else []
    views = (view for _post, looks in previews for view in looks)
    statuses = (status for view in views for status, _length in view.statuses)
    shown = {picture.sha256 for status in statuses for picture in status.pictures}
    problems = [problem for problem in found if problem.file == name]
    return {
        "names": (NEW_FILE, *request.context.deskcheck.names()),
        "new_file": NEW_FILE,
        "name": name,
        "text": text,
        "checked": checked,
        "errors": [problem for problem in problems if problem.severity is Severity.ERROR],
        "others": [problem for problem in problems if problem.severity is not Severity.ERROR],
        "elsewhere": [problem for problem in found if problem.file != name],
        "marked": {problem.line for problem in problems},
        "lines": text.split("\n"),
        "previews": previews,
        "pictures": {
            sha256: base64.b64encode(data).decode()
            for sha256, data in (whole.pictures if whole else {}).items()
            if sha256 in shown
        },
    }
