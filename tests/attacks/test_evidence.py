"""Pages that are fetched for evidence, whose servers and names are hostile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.delivery.links import LinkState
from bot.evidence.fetching import FetchError
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
