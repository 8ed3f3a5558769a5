"""An account without its secrets stops nobody else, and a secret that is replaced is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.app.connections import SECRETS_FOLDER
from bot.cli.main import root
from bot.errors import DecisionError
from bot.platforms.registry import RegisteredPlatform
from tests.fakes.running_bot import MINUTE, NINE, RunningBot, post, small_campaign
from tests.fakes.scripted import network


class TokenBot(RunningBot):
    """Needs a token for each account, and notes which one each connection was made with."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.tokens: list[str] = []
        self.platforms = {name: self._noting(kind) for name, kind in network(self.servers).items()}

    def _noting(self, kind: RegisteredPlatform) -> RegisteredPlatform:
        def connect(connection):  # type: ignore[no-untyped-def] # as a kind has it
            self.tokens.append(connection.secrets["TOKEN"])
            return kind.connect(connection)

        return RegisteredPlatform(replace(kind.spec, secrets=("TOKEN",)), connect)

    def keep(self, account: str, token: str) -> None:
        folder = self.data / SECRETS_FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = folder / f"VERBATIM_{account.upper()}_TOKEN"
        file.touch(mode=0o600)
        file.write_text(token, encoding="utf-8")


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[TokenBot]:
    bot = TokenBot(tmp_path)
    bot.use("m", "b")
    yield bot
    bot.stop()


def test_several_without_their_secrets_are_told_and_the_other_sends(bot: TokenBot) -> None:
    bot.use("m", "b", "x")
    bot.keep("b", "old-token")
    bot.start_approved(post("one", at=NINE))
    bot.wait(NINE)

    assert bot.states() == {"one/m/0": "READY", "one/b/0": "SENT", "one/x/0": "READY"}
    told = [(matter.key, matter.command) for matter in bot.services.status().errors]
    assert sorted(told) == [
        ("unchecked/m", "login m --as NAME"), ("unchecked/x", "login x --as NAME"),
    ]  # fmt: skip
    texts = " ".join(matter.text for matter in bot.services.status().errors)
    assert "VERBATIM_X_TOKEN: missing; `login x` asks for it" in texts


def test_a_secret_that_comes_later_is_found_without_a_restart(bot: TokenBot) -> None:
    bot.keep("m", "old-token")
    bot.start_approved(post("one", at=NINE))
    bot.wait(NINE)
    bot.keep("b", "late-token")

    bot.wait(NINE + 2 * MINUTE)

    assert bot.states() == {"one/m/0": "SENT", "one/b/0": "SENT"}
    assert bot.services.status().is_ready


def test_a_secret_that_is_replaced_is_used_from_the_next_call_on(bot: TokenBot) -> None:
    for account in ("m", "b"):
        bot.keep(account, f"{account}-old")
    bot.start_approved(post("one", at=NINE), post("two", at=NINE + MINUTE))
    bot.wait(NINE)
    bot.keep("m", "m-new")

    bot.wait(NINE + MINUTE)

    assert set(bot.tokens) == {"m-old", "b-old", "m-new"}
    assert bot.states()["two/m/0"] == "SENT"


@pytest.mark.parametrize("place", ["variable", "file", "credential"])
def test_login_asks_for_no_secret_that_has_another_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Kept as well it would be given twice, which stops the account."""
    tree, variable = small_campaign(tmp_path), "VERBATIM_M_ACCESS_TOKEN"
    file = tree.put(variable, "old-token")
    given = {"variable": (variable, "old-token"), "file": (f"{variable}_FILE", str(file)),
             "credential": ("CREDENTIALS_DIRECTORY", str(file.parent))}  # fmt: skip
    monkeypatch.setenv(*given[place])
    words = ["--config", tree.schedule, "--posts", tree.posts, "--data", tmp_path / "data"]

    done = CliRunner().invoke(root, ["login", "m", *map(str, words)])

    assert isinstance(done.exception, DecisionError)
    where = {"variable": "the variable itself", "file": f"{variable}_FILE", "credential": str(file)}
    assert str(done.exception) == f"{variable} comes from {where[place]}: replace it there"
