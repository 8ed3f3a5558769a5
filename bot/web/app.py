"""The dashboard as an ASGI application: who asks, may they, what is answered."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive

from bot.authority.users import Right
from bot.errors import BotError, DecisionError
from bot.log import get_logger
from bot.web.answers import Answer, Page, Raw, Redirect
from bot.web.context import AppContext
from bot.web.guard import RequestGuard
from bot.web.rendering import Pages
from bot.web.request_context import RefusedRequestError, RequestContext, is_token

log = get_logger(__name__)

View = Callable[[RequestContext], Answer]
_Made = TypeVar("_Made")

#: Bytes of a form; the desk check takes a whole file of posts.
SMALL, LARGE = 64_000, 700_000
_MOST_FIELDS = 40
_CODES = {
    400: "That request makes no sense",
    401: "Please sign in",
    403: "You may not do that",
    404: "There is no such page",
    405: "That is not possible here",
    409: "That could not be done",
    413: "That is too long",
    429: "Too many tries",
    500: "Something is wrong with the bot",
}


#: Pages that are made at once. The database's connections are shared with the publishers: however
#: many people look, enough of them stay free.
_AT_ONCE = 6


class Threads:
    """Where pages are made: everything behind a view blocks."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(_AT_ONCE)

    async def __call__(self, work: Callable[..., _Made], *arguments: Any) -> _Made:
        return await to_thread.run_sync(partial(work, *arguments), limiter=self._limiter)


@dataclass(frozen=True, slots=True)
class PageRoute:
    """One address, and who may open it."""

    path: str
    view: View
    method: str = "GET"
    #: None lets everybody in.
    right: Right | None = Right.LOOK
    most: int = SMALL


def build(context: AppContext, doors: Sequence[PageRoute]) -> RequestGuard:
    """Make the application."""
    pages, threads = Pages(context), Threads()
    routes = [
        Route(door.path, _endpoint(context, pages, door, threads), methods=[door.method])
        for door in doors
    ]

    async def lost(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        parsed = await threads(_parsed, context, request, {}, None)
        return await threads(_trouble, pages, parsed, status, "")

    app = Starlette(routes=routes, exception_handlers={404: lost, 405: lost})
    app.router.redirect_slashes = False
    return RequestGuard(app, context.hosts, secure=context.secure)


def cookie_name(context: AppContext) -> str:
    """Name the cookie; ``__Host-`` binds it to this host and to TLS, where there is TLS."""
    return "__Host-verbatim" if context.secure else "verbatim"


def _endpoint(
    context: AppContext, pages: Pages, door: PageRoute, threads: Threads
) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        try:
            form, upload = await _form(request, door)
        except RefusedRequestError as refusal:
            parsed = await threads(_parsed, context, request, {}, None)
            return await threads(_trouble, pages, parsed, refusal.status, str(refusal))
        return await threads(_opened, context, pages, door, request, form, upload)

    return endpoint


def _opened(
    context: AppContext,
    pages: Pages,
    door: PageRoute,
    request: Request,
    form: Mapping[str, Sequence[str]],
    upload: bytes | None,
) -> Response:
    """Answer in a thread: everything below blocks."""
    parsed = _parsed(context, request, form, upload)
    try:
        if door.right is not None:
            if parsed.person is None and door.method == "GET":
                return _sent(parsed, Redirect(f"/login?to={quote(request.url.path)}"))
            parsed.require(door.right)
        if door.method == "POST":
            _require_token(parsed)
        answer = door.view(parsed)
    except RefusedRequestError as refusal:
        return _trouble(pages, parsed, refusal.status, str(refusal))
    except DecisionError as error:
        return _trouble(pages, parsed, 409, str(error))
    except BotError as error:
        log.exception("page failed", path=request.url.path, reason=str(error))
        return _trouble(pages, parsed, 500, "the log says more")
    except Exception:
        log.exception("bug in a page", path=request.url.path)
        return _trouble(pages, parsed, 500, "the log says more")
    return _sent(parsed, answer) if not isinstance(answer, Page) else _page(pages, parsed, answer)


def _require_token(parsed: RequestContext) -> None:
    if not is_token(parsed.form_value("token", default=""), parsed.session_token):
        raise RefusedRequestError(
            403, "the form is too old; go back, reload the page, send it again"
        )


def _parsed(
    context: AppContext,
    request: Request,
    form: Mapping[str, Sequence[str]],
    upload: bytes | None,
) -> RequestContext:
    session_token = request.cookies.get(cookie_name(context), "")
    session_token = (
        session_token
        if 20 <= len(session_token) <= 100 and session_token.isascii()
        else secrets.token_urlsafe(32)
    )
    person = context.access.person_of(session_token) or context.guest()
    query: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        query.setdefault(name, []).append(value)
    return RequestContext(
        context=context,
        method=request.method,
        path=request.url.path,
        places={name: str(value) for name, value in request.path_params.items()},
        query=query,
        form=form,
        upload=upload,
        session_token=session_token,
        person=person,
    )


async def _form(
    request: Request, door: PageRoute
) -> tuple[Mapping[str, Sequence[str]], bytes | None]:
    """Read a form of bounded size.

    Raises:
        RefusedRequestError: it is too large, or no form.
    """
    if door.method != "POST":
        return {}, None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        raise RefusedRequestError(400, "a form is expected")
    bounded = Request(request.scope, _bounded(request.receive, door.most))
    values: dict[str, list[str]] = {}
    upload: bytes | None = None
    try:
        async with bounded.form(
            max_files=1, max_fields=_MOST_FIELDS, max_part_size=door.most
        ) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    upload = await value.read() or None
                else:
                    values.setdefault(name, []).append(value)
    except (HTTPException, ClientDisconnect, UnicodeDecodeError, ValueError) as error:
        raise RefusedRequestError(400, "the form cannot be read") from error
    if sum(map(len, values.values())) > _MOST_FIELDS:
        raise RefusedRequestError(400, "the form has too many fields")
    return values, upload


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


def _page(pages: Pages, parsed: RequestContext, page: Page) -> Response:
    content = pages.render(parsed, page.template, page.values)
    return _seated(parsed, Response(content, page.status, media_type="text/html; charset=utf-8"))


def _trouble(pages: Pages, parsed: RequestContext, status: int, message: str) -> Response:
    title = _CODES.get(status, "That is not possible")
    values = {"title": title, "message": message}
    return _page(pages, parsed, Page("trouble.html", values, status))


def _sent(parsed: RequestContext, answer: Redirect | Raw) -> Response:
    if isinstance(answer, Redirect):
        response: Response = RedirectResponse(answer.to, status_code=303)
        return (
            response
            if answer.session_token is None
            else _seated(parsed, response, answer.session_token)
        )
    response = Response(answer.content, media_type=answer.media_type)
    if answer.keep:
        response.headers["cache-control"] = f"private, max-age={answer.keep}"
    if answer.filename:
        response.headers["content-disposition"] = f'attachment; filename="{answer.filename}"'
    return response


def _seated(
    parsed: RequestContext, response: Response, session_token: str | None = None
) -> Response:
    """Set the cookie: a session's id, or only what a form's token is derived from."""
    context = parsed.context
    response.set_cookie(
        cookie_name(context),
        session_token
        or (parsed.session_token if session_token is None else secrets.token_urlsafe(32)),
        path="/", httponly=True, samesite="strict", secure=context.secure,
    )  # fmt: skip
    return response
