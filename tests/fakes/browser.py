"""As much of a browser as tests of the dashboard need, at the socket."""

from __future__ import annotations

import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.waiting import PATIENCE

PASSWORD = "correct horse battery staple"


@dataclass
class HttpBrowser:
    """Has its cookies, and sends forms with their token."""

    origin: str
    #: Of the session, and of a browser that is known: ``name=value``.
    cookie: str = ""
    device: str = ""
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> tuple[str, int]:
        host, _, port = self.origin.removeprefix("http://").partition(":")
        return host, int(port)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> PageAnswer:
        connection = http.client.HTTPConnection(*self.place, timeout=PATIENCE)
        cookies = "; ".join(filter(None, (self.cookie, self.device)))
        own = {"Cookie": cookies} if cookies else {}
        connection.request(method, path, body, {**own, **self.headers, **(headers or {})})
        got = connection.getresponse()
        text = got.read().decode(errors="replace")
        connection.close()
        answer = PageAnswer(got.status, text, {name.lower(): one for name, one in got.getheaders()})
        for cookie in got.headers.get_all("set-cookie", ()):
            pair = cookie.partition(";")[0]
            if "device=" in pair:
                self.device = pair
            else:
                self.cookie = pair
        if token := re.search(r'name="token" value="(\w+)"', text):
            self.token = token[1]
        return answer

    def get(self, path: str, **headers: str) -> PageAnswer:
        return self.ask("GET", path, headers=headers)

    def post(
        self, path: str, fields: Mapping[str, str] | None = None, **headers: str
    ) -> PageAnswer:
        body = urlencode({"token": self.token, **(fields or {})}).encode()
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        ours = {"Sec-Fetch-Site": "same-origin", "Origin": self.origin}
        return self.ask("POST", path, body, {**form, **ours, **headers})

    def sign_in(self, name: str, password: str = PASSWORD) -> PageAnswer:
        self.get("/login")
        answer = self.post("/login", {"name": name, "password": password})
        self.get("/")
        return answer


@dataclass
class PageAnswer:
    status: int
    text: str
    headers: dict[str, str]
