"""What every request passes before any page, and the headers that every answer carries."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
#: On pages that ask for a passkey: our own static script, and nothing that makes markup of text.
POLICY_WITH_SCRIPT = f"{POLICY}; script-src 'self'; require-trusted-types-for 'script'"
HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
    "x-robots-tag": "noindex",
}
_YEAR = 31_536_000
_SAFE = frozenset({"GET", "HEAD"})


class RequestGuard:
    """Answers only to known names (DNS rebinding) and to changes that come from our own pages."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str], *, secure: bool) -> None:
        self._app = app
        self._hosts = hosts
        self._headers = dict(HEADERS)
        if secure:
            self._headers["strict-transport-security"] = f"max-age={_YEAR}; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # no web sockets here, and nothing to do when the server starts

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in {"cache-control": "no-store", **self._headers}.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope)
        if refusal:
            answer = PlainTextResponse(f"{refusal[1]}\n", status_code=refusal[0])
            await answer(scope, receive, send_guarded)
            return
        await self._app(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return 421, "this dashboard does not answer to that name; see VERBATIM_WEB_HOSTS"
        if scope["method"] in _SAFE:
            return None
        if scope["method"] != "POST":
            return 405, "only GET, HEAD and POST"
        return None if _is_ours(headers) else (403, "a change must come from a page of this site")


def _is_ours(headers: Headers) -> bool:
    """Return whether a change comes from our own page.

    With `Referrer-Policy: no-referrer` browsers send ``Origin: null`` with our own forms; then
    only ``Sec-Fetch-Site``, which no page can forge, counts (Fetch, "append a request Origin").
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site != "same-origin":
        return False
    if origin is not None and origin != "null":
        return urlsplit(origin).netloc.lower() == headers["host"].lower()
    return site == "same-origin"
