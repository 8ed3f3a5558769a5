"""One account's way to its server: Mastodon.py on a bounded session, and what a server may say."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import mastodon

from bot import visible
from bot.errors import (
    PlatformError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)
from bot.masking import mask
from bot.platforms.base import AskCode, Connection
from bot.platforms.http.credentials import is_loopback, require_secret, safe_origin
from bot.platforms.http.exchange import (
    Exchange,
    confirmed,
    count_in,
    describe,
    object_in,
    translated_errors,
)
from bot.platforms.http.session import BoundedSession
from bot.platforms.mastodon import NAME, SPEC
from bot.platforms.spec import Limits
from bot.platforms.status import PostRef

_T = TypeVar("_T")
#: How servers refuse a token that was revoked, besides 401 and 403.
_DEAD_TOKEN = frozenset({400, 422})
_GOOD = frozenset({200, 201, 202})
#: API version of Mastodon 4.5, whose statuses say who may quote them.
_LIMITS_QUOTES = 7
_PAGES = 3
_INSTANCE_PATHS = ("/api/v2/instance", "/api/v1/instance")
_REFUSED = frozenset({400, 422})


class Api:
    """The client of one account, and the facts of its last call.

    Raises:
        SettingsError: the server is unsafe, or there is no token among the secrets.
    """

    def __init__(self, connection: Connection, secrets: Mapping[str, str] | None) -> None:
        """Make the client; it is nobody's yet where there are no secrets."""
        account = connection.account
        self.origin = safe_origin(account.server, account.name)
        self.exchange = Exchange()
        self.session = BoundedSession(connection, self.exchange, self.origin)
        self.client = mastodon.Mastodon(
            api_base_url=self.origin,
            ratelimit_method="throw",
            # The session's own limits hold; this one is never reached.
            request_timeout=connection.connect_timeout + connection.read_timeout,
            # A version that is given is not asked for: a failing /api/v1/instance/ would recurse
            # 978 times (Mastodon.py#450), and "none" would upload to the old /api/v1/media.
            mastodon_version="4.6.0",
            version_check_mode="created",
            session=self.session,
            user_agent="verbatim",
        )
        if secrets is not None:
            # Not through the constructor, which reads a token that is also a path as a file.
            self.client.access_token = require_secret(secrets, "ACCESS_TOKEN", account.name)

    @contextmanager
    def calls(
        self, *, writing: bool = False, refusals: frozenset[int] = frozenset()
    ) -> Iterator[None]:
        """Open the context in which the library is called."""
        try:
            with translated_errors(NAME, self.exchange, writing=writing, refusals=refusals):
                yield
        except (RejectedError, UnauthorizedError) as error:
            meant = confirmed(self.exchange, error, self.me)
            if isinstance(meant, UnconfirmedError) and not writing:
                meant = UnavailableError(NAME, describe(self.exchange, error))
            raise meant from error

    def read(self, call: Callable[[], object], shape: Callable[[Any], _T], **options: Any) -> _T:
        """Return what ``shape`` makes of the JSON of an answer.

        The library is asked to call only: one odd date makes it refuse a whole page of statuses.
        """
        with self.calls(**options):
            try:
                call()
            except Exception:  # whatever it makes of an answer that is good
                if self.exchange.status not in _GOOD or self.exchange.value() is None:
                    raise
            return shape(self.exchange.value())

    def pages(self, ask: Callable[..., object]) -> Iterator[list[Mapping[str, Any]]]:
        """Yield some pages of statuses, newest first, until one is empty or comes again."""
        oldest: str | None = None
        for _ in range(_PAGES):
            page = self.read(partial(ask, max_id=oldest, limit=40), statuses_in)
            yield page
            last = str(page[-1].get("id")) if page else oldest
            if last == oldest:
                return
            oldest = last

    def status(self, id_: str) -> Mapping[str, Any] | None:
        """Return an own status, None where it is gone; UnavailableError if that cannot be told."""

        def shape(value: Any) -> Mapping[str, Any]:
            shown = a_status(value)
            status = object_in(shown, "reblog") or shown
            if id_ not in {str(shown["id"]), str(status.get("id"))}:
                raise TypeError("another status")
            return status

        try:
            return self.read(partial(self.client.status, id_), shape)
        except PlatformError:
            # In words of the API: a web server that is lost answers in HTML.
            if self.exchange.status in (404, 410) and self.exchange.error:
                return None
            raise

    def me(self) -> Mapping[str, Any]:
        try:
            with translated_errors(NAME, self.exchange):
                me = self.client.account_verify_credentials()
                if not isinstance(me, dict) or not me.get("id"):
                    raise TypeError("no account")
                return me
        except UnavailableError as error:
            if self.exchange.status in _DEAD_TOKEN and self.exchange.is_in_words:
                raise UnauthorizedError(NAME, describe(self.exchange, error)) from error
            raise

    def granted_scopes(self) -> tuple[str, ...]:
        """Return the scopes that the token's app has; the token has no more. Empty if not told."""
        with suppress(PlatformError), translated_errors(NAME, self.exchange):
            self.client.app_verify_credentials()
        found = object_in(self.exchange.value()).get("scopes")
        if self.exchange.status != 200 or not isinstance(found, list):
            return ()
        return tuple(map(str, found))

    def instance(self) -> Mapping[str, Any]:
        """Return what a server says of itself; empty where it does not, UnavailableError if down.

        Asked in our own words: the library adds a slash that some refuse.
        """
        for path in _INSTANCE_PATHS:
            with self.calls():
                response = self.session.get(self.origin + path)
                if response.status_code == 429:
                    raise TypeError("rate limited")
            value = self.exchange.value()
            if response.status_code == 200 and isinstance(value, dict):
                return value
        return {}


def limits_of(instance: Mapping[str, Any]) -> Limits:
    """Read an instance's limits; what it does not say, or says badly, stays the usual."""
    usual = SPEC.limits
    statuses = object_in(instance, "configuration", "statuses")
    media = object_in(instance, "configuration", "media_attachments")
    mimes = media.get("supported_mime_types")
    version = count_in(object_in(instance, "api_versions"), "mastodon")
    told: dict[str, Any] = {
        # Pleroma and its relatives tell the length at the top.
        "max_length": _limit(statuses, "max_characters") or _limit(instance, "max_toot_chars"),
        "url_length": _limit(statuses, "characters_reserved_per_url"),
        "max_pictures": _limit(statuses, "max_media_attachments"),
        "max_alt": _limit(media, "description_limit") or _limit(instance, "description_limit"),
        "max_picture_bytes": _limit(media, "image_size_limit"),
        "max_pixels": _limit(media, "image_matrix_limit"),
        "picture_mimes": isinstance(mimes, list)
        and tuple(mime for mime in usual.picture_mimes if mime in mimes),
    }
    quotes = usual.quotes if (version or 0) >= _LIMITS_QUOTES else ()
    return replace(usual, quotes=quotes, **{name: each for name, each in told.items() if each})


def _limit(section: Mapping[str, Any], name: str) -> int | None:
    value = count_in(section, name)
    return value if value and value < 2**40 else None


def a_status(value: Any) -> Mapping[str, Any]:
    """Return a status that has an id; TypeError where it is none."""
    ref_of(value)
    return dict(value)


def id_of(ref: PostRef) -> str:
    """Return the id; a person may have vouched with the address of a status."""
    return ref.id.rstrip("/").rsplit("/", 1)[-1]


def statuses_in(page: Any) -> list[Mapping[str, Any]]:
    """Return the statuses of a page; TypeError where it is none."""
    if not isinstance(page, list):
        raise TypeError("no list of statuses")
    return [status for status in page if isinstance(status, dict)]


def own(status: Mapping[str, Any], me: str) -> Mapping[str, Any] | None:
    """Return the account's own status out of what a server shows; None where it is another's.

    Once anybody boosted it, some servers wrap it as a boost, under another id and without text.
    """
    boosted = status.get("reblog")
    if not boosted:
        return status
    is_own = str(object_in(boosted, "account").get("id")) == me
    return object_in(boosted) if is_own and boosted.get("id") else None


def ref_of(status: object) -> PostRef:
    """Read a receipt; whoever calls takes a `TypeError` for an answer that tells nothing."""
    if not isinstance(status, dict):
        raise TypeError("no status")
    found = status.get("id")
    if type(found) is bool or not isinstance(found, str | int) or not str(found):
        raise TypeError("no status")
    if visible.short(found) != str(found):
        raise TypeError("an id that nobody can read")
    address = status.get("url") or status.get("uri")
    # It is shown as a link: nothing but a web page.
    if not isinstance(address, str) or not address.startswith(("https://", "http://")):
        address = ""
    return PostRef(str(found), visible.short(address))


def authorize(connection: Connection, ask: AskCode) -> Mapping[str, str]:
    """Return a token that allows what the bot needs; whose it is must be asked."""
    api = Api(connection, None)
    client, scopes = api.client, list(SPEC.scopes)
    try:
        with translated_errors(NAME, api.exchange, refusals=_REFUSED):
            # Not through the calls below, which read an id that is also a path as a file.
            client.client_id, client.client_secret = client.create_app(
                "Verbatim", scopes, api_base_url=api.origin, session=api.session
            )
            mask(str(client.client_secret))
            page = client.auth_request_url(
                scopes=scopes, force_login=True, state="", lang="", skip_server_info=True
            )
        code = ask(page)
        with translated_errors(NAME, api.exchange, refusals=_REFUSED):
            token = client.log_in(code=code, scopes=scopes, allow_http=is_loopback(api.origin))
    finally:
        api.session.close()
    return {"ACCESS_TOKEN": str(token)}
