"""What somebody asks for, read strictly, and what a page answers.

Each value is read once, short, and without control characters.
"""

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from starlette.datastructures import ImmutableMultiDict

from bot.authority.access import LONGEST
from bot.authority.passkeys import Site
from bot.authority.signing_in import Visitor
from bot.authority.users import Person, Right
from bot.canonical import sha256_hex
from bot.visible import hidden_in, named
from bot.web.context import AppContext

_NUMBER = re.compile(r"[0-9]{1,6}")
_LONGEST = 300

#: Bytes of a form; the desk check takes a whole file of posts.
SMALL, LARGE = 64_000, 700_000


class RefusedRequestError(Exception):
    """A request that is answered with an error page; the message is for the person."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request, after its guards."""

    context: AppContext
    path: str
    #: From the path, the query and the form, each by name.
    path_values: Mapping[str, str]
    query: ImmutableMultiDict[str, str]
    form: ImmutableMultiDict[str, str]
    #: The uploaded file, if any.
    upload: bytes | None
    #: Of the cookie; there is always one, a new one where the browser had none.
    session_token: str = field(repr=False)
    person: Person | None
    visitor: Visitor
    #: The desk as this browser names it.
    site: Site

    @property
    def who(self) -> Person:
        """Who asks; only for pages that need somebody."""
        if self.person is None:
            raise RefusedRequestError(401, "sign in first")
        return self.person

    @property
    def token(self) -> str:
        """What a form must send back: derived one way from the cookie, so only its owner knows."""
        return sha256_hex(f"verbatim form {self.session_token}")

    def require_token(self) -> None:
        """Refuse a form that is not of a page of ours; compares in constant time."""
        given = self.form_value("token", default="")
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            raise RefusedRequestError(
                403, "the form is too old; go back, reload the page, send it again"
            )

    @property
    def is_proved(self) -> bool:
        """Whether they gave a password or a passkey a short while ago; a guest has none."""
        if self.person is not None and self.person == self.context.guest():
            return True
        return self.context.sign_in.is_proved(self.session_token)

    @property
    def has_codes(self) -> bool:
        """Whether they are asked for a one-time code beside their password."""
        user = self.context.store.users.get(self.who.name)
        return user is not None and user.totp_secret is not None

    def require_proof(self) -> Person:
        """Return who asks, once they have proved it lately, or with the password in this form.

        `proof` in ``parts.html`` puts into a form what this reads; RefusedRequestError where it has
        no password, SignInError for a wrong one.
        """
        if self.is_proved:
            return self.who
        password = self.form_value("password", most=LONGEST, default="")
        if not password:
            raise RefusedRequestError(
                403, "give your password with it; go back and reload the page"
            )
        code = self.form_value("code", default="")
        self.context.sign_in.prove_again(self.session_token, password, code)
        return self.who

    def path_value(self, name: str) -> str:
        return _proved(name, self.path_values[name], _LONGEST)

    def query_value(self, name: str, default: str = "", *, most: int = _LONGEST) -> str:
        return _single(self.query, name, default, most)

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        """Read one of several values; the first is the default."""
        value = self.query_value(name, allowed[0])
        if value not in allowed:
            raise RefusedRequestError(400, f"{name} is one of: {', '.join(allowed)}")
        return value

    def number(self, name: str, default: int) -> int:
        """Read a whole number from 0 to 999,999."""
        value = self.query_value(name) or str(default)
        if not _NUMBER.fullmatch(value):
            raise RefusedRequestError(400, f"{name} is a whole number")
        return int(value)

    def day(self, name: str, default: date) -> date:
        """Read a date such as 2026-12-09, in reach of calendars."""
        value = self.query_value(name, default.isoformat())
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise RefusedRequestError(400, f"{name} is a date such as 2026-12-09") from None
        if not 2000 <= day.year <= 2100:
            raise RefusedRequestError(400, f"{name} is out of reach")
        return day

    def form_value(self, name: str, *, most: int = _LONGEST, default: str | None = None) -> str:
        """Read a value of the form; line breaks as one character."""
        value = _single(self.form, name, default, most)
        return value.replace("\r\n", "\n").replace("\r", "\n")

    def form_values(self, name: str) -> frozenset[str]:
        return frozenset(_proved(name, value, _LONGEST) for value in self.form.getlist(name))

    def require_proved_user(self) -> Person:
        """Do both: return who asks, no guest, once they have proved it."""
        self.require_user()
        return self.require_proof()

    def require_user(self) -> Person:
        """Return who asks; a guest of a rehearsal has nothing of their own."""
        if self.who == self.context.guest():
            raise RefusedRequestError(409, "a guest is nobody in particular: make a user first")
        return self.who

    def require(self, right: Right) -> Person:
        """Return who asks if they may; RefusedRequestError where they may not."""
        if not self.who.may(right):
            roles = ", ".join(sorted(self.who.roles))
            raise RefusedRequestError(403, f"you may not {right}; your roles: {roles}")
        return self.who


def _single(values: ImmutableMultiDict[str, str], name: str, default: str | None, most: int) -> str:
    found = values.getlist(name)
    if len(found) > 1:
        raise RefusedRequestError(400, f"{name} is given more than once")
    if not found:
        if default is None:
            raise RefusedRequestError(400, f"{name} is missing")
        return default
    return _proved(name, found[0], most)


def _proved(name: str, value: str, most: int) -> str:
    if len(value) > most:
        raise RefusedRequestError(413, f"{name} is longer than {most} characters")
    if found := next(hidden_in(value.replace("\r", "\n")), None):
        raise RefusedRequestError(400, f"{name} has {named(found[1])}, which nobody sees")
    return value


@dataclass(frozen=True, slots=True)
class Page:
    """A template with its values."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    #: It asks for a passkey: the one script that there is may run on it.
    has_script: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    """See another page of ours (303)."""

    to: str
    #: A new session, or the end of one (empty); None leaves the cookie.
    session_token: str | None = None
    #: What this browser is known by from now on; empty leaves it.
    device: str = ""


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes as they are."""

    content: bytes
    media_type: str
    #: Seconds that a browser may keep it; 0 is not at all.
    keep: int = 0
    #: Name for saving it; empty shows it.
    filename: str = ""


Answer = Page | Redirect | Raw


@dataclass(frozen=True, slots=True)
class PageRoute:
    """One address, and who may open it."""

    path: str
    view: Callable[[RequestContext], Answer]
    method: str = "GET"
    #: None lets everybody in.
    right: Right | None = Right.LOOK
    most: int = SMALL
