"""Fetching a page: public hosts only, whole answers only, nothing for ever."""

from __future__ import annotations

import pytest

from bot.clock import FastClock
from bot.delivery.links import LinkState
from bot.evidence.fetching import FetchError, PageFetcher, is_public
from tests.evidence.pages import PUBLIC, Pages
from tests.fakes.campaign_tree import NOW

NOT_PUBLIC = (
    "10.0.0.1", "172.16.5.4", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.100.100.200",
    "0.0.0.0", "224.0.0.1", "255.255.255.255", "168.63.129.16", "::1", "::", "fe80::1%eth0",
    "fd00:ec2::254", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a00:1",
    "2002:7f00:1::", "2001:0:7f00:1::", "::7f00:1", "ff02::1", "192.0.0.192", "fec0::1",
)  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_everybodys_is_known(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::6810:84e5", "::ffff:8.8.8.8"])
def test_public_ones_are_public(address: str) -> None:
    assert is_public(address)


def test_a_page_comes_with_all_that_it_answered(pages: Pages) -> None:
    pages.put("/report?a=1&b=%20", "Eyes everywhere")

    (hop,) = pages.fetcher().fetch("http://news.example/report?a=1&b=%20#part")

    assert (hop.status, hop.ip) == (200, PUBLIC)
    assert b"Eyes everywhere" in hop.body
    assert pages.asked == [("news.example", "/report?a=1&b=%20", "Verbatim/test (keeps evidence)")]


@pytest.mark.parametrize(
    ("address", "state", "told"),
    [
        ("http://news.example/slow", LinkState.UNREACHABLE, "no whole answer within 0.5 seconds"),
        ("http://news.example/endless", LinkState.UNREACHABLE, "longer than 100,000 bytes"),
        ("http://news.example/torn", LinkState.UNREACHABLE, "ends early"),
        ("http://news.example/round", LinkState.UNREACHABLE, "redirects more than 3 times"),
        ("http://nowhere.example/", LinkState.UNREACHABLE, "nowhere.example is not found"),
        ("http://inside.example/", LinkState.PRIVATE, "leads to 10.0.0.1"),
        ("http://both.example/", LinkState.PRIVATE, "leads to 169.254.169.254"),
        ("http://news.example/to-loopback", LinkState.PRIVATE, "127.0.0.1 leads to 127.0.0.1"),
        ("http://news.example/to-inside", LinkState.PRIVATE, "leads to 10.0.0.1"),
        ("http://news.example/to-port", LinkState.PRIVATE, "has a port"),
        ("http://news.example/to-file", LinkState.PRIVATE, "is no page's address"),
        ("http://anna@news.example/", LinkState.PRIVATE, "has a port or a name"),
    ],
)
def test_each_fault_is_told_and_private_hosts_are_never_called(
    pages: Pages, address: str, state: LinkState, told: str
) -> None:
    pages.addresses |= {"inside.example": ["10.0.0.1"], "both.example": [PUBLIC, "169.254.169.254"]}
    pages.answers["/slow"] = 200, {}, b""
    pages.answers["/endless"] = 200, {"Content-Type": "text/html"}, b"word " * 1000
    pages.answers["/torn"] = 200, {"Content-Length": "50", "Connection": "close"}, b"half"
    pages.redirect("/round", "/round")
    pages.redirect("/to-loopback", "http://127.0.0.1/latest/meta-data/", 302)
    pages.redirect("/to-inside", "http://inside.example/", 307)
    pages.redirect("/to-port", "http://news.example:22/")
    pages.redirect("/to-file", "file:///etc/passwd")

    with pytest.raises(FetchError, match=told) as caught:
        pages.fetcher().fetch(address)

    assert caught.value.state is state
    assert {host for host, _port in pages.dialled} <= {PUBLIC}


def test_a_proxy_is_given_the_address_that_was_checked(pages: Pages) -> None:
    pages.put("/report")
    proxy = f"http://127.0.0.1:{pages.server.server_port}"

    pages.fetcher(proxy=proxy).fetch("http://news.example/report")

    assert pages.asked[0] == ("proxy", f"{PUBLIC}:80", "")
    assert pages.asked[1][:2] == ("news.example", "/report")


def test_the_usual_bounds_are_those_of_the_docs() -> None:
    usual = PageFetcher(FastClock(NOW), "Verbatim/test")

    assert (usual.seconds, usual.size, usual.redirects) == (30.0, 8_000_000, 5)
