"""Signing in and out, the style and other things that everybody may have."""

from __future__ import annotations

from urllib.parse import urlsplit

from bot.services.users import LONGEST, SignInError
from bot.web.answers import Answer, Page, Raw, Redirect
from bot.web.asking import Asked, RefusedError
from bot.web.rendering import STATIC, stylesheet

_WEEK = 604_800
ICON = (STATIC / "icon.svg").read_bytes()


def style(asked: Asked) -> Answer:
    return Raw(stylesheet(asked.house.specs), "text/css; charset=utf-8", keep=_WEEK)


def icon(_asked: Asked) -> Answer:
    return Raw(ICON, "image/svg+xml", keep=_WEEK)


def robots(_asked: Asked) -> Answer:
    return Raw(b"User-agent: *\nDisallow: /\n", "text/plain; charset=utf-8")


def form(asked: Asked) -> Answer:
    """Ask for name and password."""
    to = _own(asked.one("to", "/"))
    if asked.person is not None:
        return Redirect(to)
    return _form(asked, to, "")


def _form(asked: Asked, to: str, message: str, status: int = 200) -> Page:
    has_users = asked.house.access.has_users()
    return Page("login.html", {"to": to, "message": message, "has_users": has_users}, status)


def sign_in(asked: Asked) -> Answer:
    """Start a session under a new id, so that one put there before is worth nothing."""
    to = _own(asked.said("to", default="/"))
    name = asked.said("name", most=100)
    password = asked.said("password", most=LONGEST)
    try:
        session = asked.house.access.sign_in(name, password)
    except SignInError as error:
        return _form(asked, to, str(error), 429 if "too many" in str(error) else 403)
    return Redirect(to, seat=session)


def sign_out(asked: Asked) -> Answer:
    asked.house.access.sign_out(asked.seat)
    return Redirect("/login", seat="")


def sign_out_everywhere(asked: Asked) -> Answer:
    """End all of somebody's sessions, this one too."""
    name = asked.who.name
    if asked.person == asked.house.guest():
        raise RefusedError(409, "a guest is not signed in anywhere")
    asked.house.access.sign_out_everywhere(name, by=name)
    return Redirect("/login", seat="")


def _own(to: str) -> str:
    """Keep only an address of ours: a link must not send people elsewhere after they sign in."""
    parts = urlsplit(to)
    is_ours = not parts.scheme and not parts.netloc and to.startswith("/")
    return to if is_ours and not to.startswith("//") and "\\" not in to else "/"
