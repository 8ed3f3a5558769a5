"""The dashboard as an ASGI application: who asks, may they, what is answered."""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.datastructures import ImmutableMultiDict, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive

from bot import visible
from bot.authority.passkeys import Site
from bot.authority.signing_in import IDLE, KNOWN, Visitor
from bot.authority.users import SignInError
from bot.errors import BotError, DecisionError
from bot.log import get_logger
from bot.web.context import AppContext
from bot.web.guard import POLICY_WITH_SCRIPT, RequestGuard
from bot.web.rendering import environment, rendered
from bot.web.request import Page, PageRoute, Raw, Redirect, RefusedRequestError, RequestContext

log = get_logger(__name__)

#: Names of the two cookies.
_SESSION, _DEVICE = "verbatim", "verbatim-device"
_PRINTABLE = re.compile(r"[^\x20-\x7e]")
_MOST_FIELDS = 40

#: Pages that are made at once, so that enough of the database's connections stay free: for whom we
#: know to be signed in, and for strangers. A pause has a place of its own, and passwords another.
_FOR_PEOPLE, _FOR_STRANGERS, _FOR_PAUSE, _FOR_SIGNING_IN = 5, 2, 1, 8
BODY_SECONDS = 20

#: Values of a form that was sent, and its upload.
_Form = tuple[ImmutableMultiDict[str, str], bytes | None]
_NO_FORM: _Form = (ImmutableMultiDict(), None)


class _Endpoint:
    """Answers requests; all of its methods that are not async block, and run in threads."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._templates = environment(context.specs)
        self._people = CapacityLimiter(_FOR_PEOPLE)
        self._strangers = CapacityLimiter(_FOR_STRANGERS)
        self._pause = CapacityLimiter(_FOR_PAUSE)
        self._signing_in = CapacityLimiter(_FOR_SIGNING_IN)
        #: Cookies of sessions that were valid when they were last looked at, each with its time.
        #: Replaced, never changed: another thread may be going through it.
        self._known: Mapping[str, datetime] = {}

    async def _in_thread(
        self, work: Callable[..., Response], request: Request, *arguments: Any
    ) -> Response:
        seen = self._known.get(request.cookies.get(_cookie_name(self._context, _SESSION), ""))
        is_post = request.method == "POST"
        if seen is not None and self._context.clock.now() - seen < IDLE:
            limiter = self._pause if is_post and request.url.path == "/pause" else self._people
        else:
            is_signing_in = is_post and request.url.path == "/login"
            limiter = self._signing_in if is_signing_in else self._strangers
        return await to_thread.run_sync(work, request, *arguments, limiter=limiter)

    def _know(self, token: str) -> None:
        now = self._context.clock.now()
        fresh = {old: at for old, at in self._known.items() if now - at < IDLE}
        self._known = {**fresh, token: now}

    def endpoint(self, route: PageRoute) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                form = await _form(request, route)
            except RefusedRequestError as refusal:
                status, message = refusal.status, str(refusal)
                return await self._in_thread(self._refused, request, status, message)
            return await self._in_thread(self._open, request, route, form)

        return endpoint

    async def lost(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return await self._in_thread(self._refused, request, status, "")

    def _open(self, request: Request, route: PageRoute, form: _Form) -> Response:
        parsed = self._parsed(request, form)
        try:
            if route.right is not None:
                if parsed.person is None and route.method == "GET":
                    return _sent(parsed, Redirect(f"/login?to={quote(request.url.path)}"))
                parsed.require(route.right)
            if route.method == "POST":
                parsed.require_token()
            answer = route.view(parsed)
        except RefusedRequestError as refusal:
            return self._problem(parsed, refusal.status, str(refusal))
        except DecisionError as error:
            status = 403 if isinstance(error, SignInError) else 409
            return self._problem(parsed, status, str(error))
        except BotError as error:
            log.exception("page failed", path=request.url.path, reason=str(error))
            return self._problem(parsed, 500, "the log says more")
        except Exception:
            log.exception("bug in a page", path=request.url.path)
            return self._problem(parsed, 500, "the log says more")
        return self._page(parsed, answer) if isinstance(answer, Page) else _sent(parsed, answer)

    def _parsed(self, request: Request, form: _Form) -> RequestContext:
        token = request.cookies.get(_cookie_name(self._context, _SESSION), "")
        if not (20 <= len(token) <= 100 and token.isascii()):
            token = secrets.token_urlsafe(32)
        person = self._context.sign_in.person_of(token)
        if person is not None:
            self._know(token)
        headers = request.headers
        scheme = "https" if self._context.address.is_secure else "http"
        return RequestContext(
            context=self._context,
            path=request.url.path,
            path_values={name: str(value) for name, value in request.path_params.items()},
            query=request.query_params,
            form=form[0],
            upload=form[1],
            session_token=token,
            person=person or self._context.guest(),
            visitor=Visitor(
                address=request.client.host if request.client else "",
                device=request.cookies.get(_cookie_name(self._context, _DEVICE), "")[:100],
                agent=_PRINTABLE.sub("", headers.get("user-agent", "")),
            ),
            site=Site(f"{scheme}://{headers.get('host', '').lower()}"),
        )

    def _page(self, parsed: RequestContext, page: Page) -> Response:
        content = rendered(self._templates, parsed, page)
        response = Response(content, page.status, media_type="text/html; charset=utf-8")
        if page.has_script:
            response.headers["content-security-policy"] = POLICY_WITH_SCRIPT
        return _set_cookie(parsed, response, _SESSION, parsed.session_token)

    def _refused(self, request: Request, status: int, message: str) -> Response:
        return self._problem(self._parsed(request, _NO_FORM), status, message)

    def _problem(self, parsed: RequestContext, status: int, message: str) -> Response:
        if status == 403 and parsed.person is not None:
            audit, now = self._context.store.audit, self._context.clock.now()
            path = visible.short(parsed.path, 200)
            audit.write(parsed.person.name, "refused", path, why=message, now=now)
        values = {"code": status, "message": message}
        return self._page(parsed, Page("problem.html", values, status))


def build(context: AppContext, routes: Sequence[PageRoute]) -> RequestGuard:
    desk = _Endpoint(context)
    app = Starlette(
        routes=[Route(each.path, desk.endpoint(each), methods=[each.method]) for each in routes],
        exception_handlers={404: desk.lost, 405: desk.lost},
    )
    app.router.redirect_slashes = False
    return RequestGuard(app, context.address.hosts, secure=context.address.is_secure)


async def _form(request: Request, route: PageRoute) -> _Form:
    """Read a form of bounded size; RefusedRequestError where it is too large, or no form."""
    if route.method != "POST":
        return _NO_FORM
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        raise RefusedRequestError(400, "a form is expected")
    bounded = Request(request.scope, _bounded(request.receive, route.most))
    values: list[tuple[str, str]] = []
    upload: bytes | None = None
    try:
        async with (
            asyncio.timeout(BODY_SECONDS),
            bounded.form(max_files=1, max_fields=_MOST_FIELDS, max_part_size=route.most) as form,
        ):
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    upload = await value.read() or None
                else:
                    values.append((name, value))
    except TimeoutError as error:
        raise RefusedRequestError(408, "the form came too slowly") from error
    except (HTTPException, ClientDisconnect, UnicodeDecodeError, ValueError) as error:
        raise RefusedRequestError(400, "the form cannot be read") from error
    if len(values) > _MOST_FIELDS:
        raise RefusedRequestError(400, "the form has too many fields")
    return ImmutableMultiDict(values), upload


def _bounded(receive: Receive, most: int) -> Receive:
    left = most

    async def counted() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise RefusedRequestError(413, f"more than {most // 1000} kB")
        return message

    return counted


def _sent(parsed: RequestContext, answer: Redirect | Raw) -> Response:
    if isinstance(answer, Redirect):
        redirect = RedirectResponse(answer.to, status_code=303)
        if answer.device:
            seconds = KNOWN // timedelta(seconds=1)
            _set_cookie(parsed, redirect, _DEVICE, answer.device, seconds=seconds)
        if answer.session_token is None:
            return redirect
        # At the end of a session: what forms' tokens are derived from is new too.
        token = answer.session_token or secrets.token_urlsafe(32)
        return _set_cookie(parsed, redirect, _SESSION, token)
    response = Response(answer.content, media_type=answer.media_type)
    if answer.keep:
        response.headers["cache-control"] = f"private, max-age={answer.keep}"
    if answer.filename:
        name = quote(answer.filename)  # as RFC 8187 writes letters beyond ASCII
        named = f'filename="{name}"' if name == answer.filename else f"filename*=UTF-8''{name}"
        response.headers["content-disposition"] = f"attachment; {named}"
    return response


def _set_cookie(
    parsed: RequestContext, response: Response, name: str, value: str, *, seconds: int | None = None
) -> Response:
    """Set a cookie: a session's id (or what forms' tokens come from), or a known browser's."""
    context = parsed.context
    response.set_cookie(
        _cookie_name(context, name), value, max_age=seconds,
        path="/", httponly=True, samesite="strict", secure=context.address.is_secure,
    )  # fmt: skip
    return response


def _cookie_name(context: AppContext, name: str) -> str:
    """Name a cookie; ``__Host-`` binds it to this host and to TLS, where there is TLS."""
    return f"__Host-{name}" if context.address.is_secure else name
