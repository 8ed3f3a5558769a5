"""Names that one file may use because another one gives them meaning."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationInfo

from bot.content.fields import Id, Link, LinkOrNone
from bot.content.words import quoted, suggestion


class Anything(dict[str, Any]):
    """Stands for names that could not be read, so that one broken file is one problem."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Known:
    """What the rest of the tree defines; the context of every validation.

    A name counts as known where it is written, even if what it names has problems of its own:
    one mistake makes one message.
    """

    #: Platform by account name.
    accounts: Mapping[str, str] = field(default_factory=dict)
    platforms: Collection[str] = ()
    slots: Collection[str] = ()
    queues: Collection[str] = ()
    #: Empty where any theme will do.
    themes: Collection[str] = ()
    prices: Collection[str] = ()
    sources: Collection[str] = ()
    #: Whether there is an address, by id of an investigation or a source.
    links: Mapping[str, bool] = field(default_factory=dict)


def _known(info: ValidationInfo) -> Known:
    return info.context if isinstance(info.context, Known) else Known()


def _one_of(what: str, options: Callable[[Known], Collection[str]]) -> Any:
    def check(name: str, info: ValidationInfo) -> str:
        names = options(_known(info))
        if name not in names:
            raise ValueError(f"no {what} {quoted(name)}; {suggestion(name, names)}")
        return name

    return AfterValidator(check)


def _theme(name: str, info: ValidationInfo) -> str:
    themes = _known(info).themes
    if themes and name not in themes:
        raise ValueError(f"no theme {quoted(name)} in the schedule; {suggestion(name, themes)}")
    return name


def _price(name: str, info: ValidationInfo) -> str:
    prices = _known(info).prices
    if prices and name not in prices:
        raise ValueError(f"no price {quoted(name)}; {suggestion(name, prices)}")
    return name


def _account(name: str, info: ValidationInfo) -> str:
    known = _known(info)
    if name in known.accounts:
        return name
    raise ValueError(f"no account {quoted(name)}; {_account_hint(name, known)}")


def _account_or_platform(name: str, info: ValidationInfo) -> str:
    known = _known(info)
    if name in known.accounts or name in known.accounts.values():
        return name
    names = [*known.accounts, *dict.fromkeys(known.accounts.values())]
    raise ValueError(f"no account or platform {quoted(name)}; {suggestion(name, names)}")


def _account_hint(name: str, known: Known) -> str:
    there = [account for account, platform in known.accounts.items() if platform == name]
    if there:
        return f"that is a platform, write its account: {', '.join(there)}"
    return suggestion(name, known.accounts)


def _variant_link(name: str, info: ValidationInfo) -> str:
    return _link(name, info) if name else name


def _link(name: str, info: ValidationInfo) -> str:
    links = _known(info).links
    if name not in links:
        raise ValueError(f"no investigation or source {quoted(name)}; {suggestion(name, links)}")
    return name


KnownPlatform = Annotated[Id, _one_of("platform", lambda known: known.platforms)]
KnownSlot = Annotated[Id, _one_of("slot", lambda known: known.slots)]
KnownQueue = Annotated[Id, _one_of("queue", lambda known: known.queues)]
KnownSource = Annotated[Id, _one_of("source", lambda known: known.sources)]
KnownPrice = Annotated[str, AfterValidator(_price)]
KnownTheme = Annotated[Id, AfterValidator(_theme)]
KnownAccount = Annotated[Id, AfterValidator(_account)]
AccountOrPlatform = Annotated[Id, AfterValidator(_account_or_platform)]
KnownLink = Annotated[Link, AfterValidator(_link)]
#: Empty text takes the post's link away.
KnownVariantLink = Annotated[LinkOrNone, AfterValidator(_variant_link)]
