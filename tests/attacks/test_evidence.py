"""Pages that are fetched for evidence, whose servers and names are hostile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.delivery.links import LinkState
from bot.evidence.fetching import FetchError
from bot.evidence.page_text import page_text
from tests.attacks.attack import Attacker, attack
from tests.evidence.pages import PUBLIC, serving_pages


@attack(
    Attacker.SERVER,
    tried="a page that is fetched for evidence redirects to the machine's own network, or to what "
    "a cloud answers its machines",
    comes_of_it="each address on the way must be public, those inside IPv6 ones too; nothing is "
    "asked there, and the link is told as no public address",
)
def test_a_page_redirects_into_the_own_network() -> None:
    with serving_pages() as pages:
        for path, target in {
            "/a": "http://169.254.169.254/",
            "/b": "http://[::ffff:10.0.0.1]/",
        }.items():
            pages.addresses[target[7:].strip("[]/")] = [target[7:].strip("[]/")]
            pages.redirect(path, target, 302)
            with pytest.raises(FetchError) as caught:
                pages.fetcher().fetch(f"http://news.example{path}")
            assert caught.value.state is LinkState.PRIVATE
        assert {place[0] for place in pages.dialled} == {PUBLIC}


@attack(
    Attacker.NETWORK,
    tried="a name leads to a public address when it is checked, and to the own network when it is "
    "called (rebinding)",
    comes_of_it="it is looked up once, and the connection goes to the address that was checked",
)
def test_a_name_changes_between_check_and_call() -> None:
    with serving_pages() as pages:
        answers = iter([[PUBLIC], ["10.0.0.1"], ["10.0.0.1"]])
        pages.put("/report")

        fetcher = replace(pages.fetcher(), resolve=lambda _host, _port: next(answers))
        fetcher.fetch("http://news.example/report")

        assert pages.dialled == [(PUBLIC, 80)]


@attack(
    Attacker.SERVER,
    tried="a page redirects to what is no address, or names an encoding that no page has, so that "
    "no link is looked at any more",
    comes_of_it="its link is told as no address; the page is read as UTF-8; the next link has its "
    "turn",
)
@pytest.mark.parametrize("target", ["http://[", "//[x]/"])
def test_no_answer_ends_the_look_at_links(target: str) -> None:
    with serving_pages() as pages:
        pages.redirect("/a", target, 302)
        pages.put("/b")
        with pytest.raises(FetchError):
            pages.fetcher().fetch("http://news.example/a")
        (hop,) = pages.fetcher().fetch("http://news.example/b")

    for name in ("idna", "punycode", "undefined", "unicode_escape", "hex", "none"):
        headers = (("Content-Type", f"text/html; charset={name}"),)
        assert page_text(replace(hop, headers=headers)) == page_text(hop)
