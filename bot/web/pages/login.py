"""Signing in and out, the style and other things that everybody may have."""

from __future__ import annotations

from urllib.parse import urlsplit

from bot.authority.users import LONGEST, SignInError
from bot.web.rendering import STATIC, stylesheet
from bot.web.request import Answer, Page, Raw, Redirect, RefusedRequestError, RequestContext

_WEEK = 604_800
ICON = (STATIC / "icon.svg").read_bytes()


def style(request: RequestContext) -> Answer:
    return Raw(stylesheet(request.context.specs), "text/css; charset=utf-8", keep=_WEEK)


def icon(_asked: RequestContext) -> Answer:
    return Raw(ICON, "image/svg+xml", keep=_WEEK)


def robots(_asked: RequestContext) -> Answer:
    return Raw(b"User-agent: *\nDisallow: /\n", "text/plain; charset=utf-8")


def page(request: RequestContext) -> Answer:
    """Ask for name and password."""
    to = _own(request.query_value("to", "/"))
    if request.person is not None:
        return Redirect(to)
    return _form(request, to, "")


def _form(request: RequestContext, to: str, message: str, status: int = 200) -> Page:
    has_users = request.context.access.has_users()
    return Page("login.html", {"to": to, "message": message, "has_users": has_users}, status)


def sign_in(request: RequestContext) -> Answer:
    """Start a session under a new id, so that one put there before is worth nothing."""
    to = _own(request.form_value("to", default="/"))
    name = request.form_value("name", most=100)
    password = request.form_value("password", most=LONGEST)
    try:
        session = request.context.access.sign_in(name, password)
    except SignInError as error:
        return _form(request, to, str(error), 429 if "too many" in str(error) else 403)
    return Redirect(to, session_token=session)


def sign_out(request: RequestContext) -> Answer:
    request.context.access.sign_out(request.session_token)
    return Redirect("/login", session_token="")


def sign_out_everywhere(request: RequestContext) -> Answer:
    """End all of somebody's sessions, this one too."""
    name = request.who.name
    if request.person == request.context.guest():
        raise RefusedRequestError(409, "a guest is not signed in anywhere")
    request.context.access.sign_out_everywhere(name, by=name)
    return Redirect("/login", session_token="")


def _own(to: str) -> str:
    """Keep only an address of ours: a link must not send people elsewhere after they sign in."""
    parts = urlsplit(to)
    is_ours = not parts.scheme and not parts.netloc and to.startswith("/")
    return to if is_ours and not to.startswith("//") and "\\" not in to else "/"
