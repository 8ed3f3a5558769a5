"""Where the dashboard may listen, and what it is called there."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.errors import SettingsError
from bot.settings.environment import Settings
from bot.web.app import build
from bot.web.routes import ROUTES
from bot.web.server import address_of
from tests.fakes.shipped import open_shipped

PROXY: dict[str, Any] = {"web_proxy": "172.18.0.2", "web_hosts": "desk.example.org"}
TLS: dict[str, Any] = {
    "web_certificate": Path("c"),
    "web_key": Path("k"),
    "web_hosts": "desk.example.org",
}


def test_it_listens_on_this_machine_only_and_without_users() -> None:
    address = address_of(Settings(), has_users=False)

    assert address is not None
    assert address.is_private
    assert not address.is_secure
    assert address.hosts == {"127.0.0.1:8765", "localhost:8765", "[::1]:8765"}


def test_off_is_nowhere() -> None:
    assert address_of(Settings(web="off"), has_users=True) is None


@pytest.mark.parametrize("web", ["0.0.0.0:80", "192.168.1.5:8765", "[::]:8765", "example.org:1"])
@pytest.mark.parametrize(
    ("more", "has_users", "told"),
    [
        ({}, False, "no users"),
        (PROXY, False, "no users"),
        ({}, True, "without TLS"),
        ({"web_hosts": "desk.example.org"}, True, "without TLS"),
        ({"web_proxy": "172.18.0.2"}, True, "VERBATIM_WEB_HOSTS"),
        ({"web_certificate": Path("c")}, True, "go together"),
    ],
)
def test_it_refuses_to_listen_wider_unprotected(
    web: str, more: dict[str, Any], has_users: bool, told: str
) -> None:
    with pytest.raises(SettingsError, match=told):
        address_of(Settings(web=web, **more), has_users=has_users)


@pytest.mark.parametrize("more", [PROXY, TLS])
def test_it_listens_wider_with_users_a_name_and_tls_or_a_proxy(more: dict[str, Any]) -> None:
    address = address_of(Settings(web="0.0.0.0:8765", **more), has_users=True)

    assert address is not None
    assert address.is_secure
    assert address.hosts == {"desk.example.org"}


def test_a_proxy_in_front_of_loopback_is_wider_too() -> None:
    with pytest.raises(SettingsError, match="no users"):
        address_of(Settings(**PROXY), has_users=False)


@pytest.mark.parametrize("web", ["", "8765", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", "a:b"])
def test_a_place_that_is_none_is_refused(web: str) -> None:
    with pytest.raises(ValueError, match="write off, or an address and a port"):
        Settings(web=web)


def test_a_proxy_is_one_address() -> None:
    with pytest.raises(ValueError, match="name one IP address"):
        Settings(web_proxy="*")


async def headers_of(app: Any) -> httpx.Headers:
    """Ask for a page by the public name."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="https://desk.example.org"
    ) as client:
        return (await client.get("/login")).headers


def test_behind_tls_the_cookie_is_bound_to_its_host_and_browsers_stay_on_tls(
    tmp_path: Path,
) -> None:
    address = address_of(Settings(web="0.0.0.0:8765", **PROXY), has_users=True)
    assert address is not None
    with open_shipped(tmp_path) as bot:
        app = build(replace(bot.dashboard, address=address), ROUTES)
        headers = asyncio.run(headers_of(app))

    cookie = headers["set-cookie"]
    assert cookie.startswith("__Host-verbatim=")
    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
