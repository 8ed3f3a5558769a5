"""The settings that stand in VERBATIM_ variables, and the data directory that they name.

Each variable is checked, and an unknown one is refused.
"""

from __future__ import annotations

import ipaddress
import math
import os
import re
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.canonical import sha256_hex
from bot.errors import SettingsError
from bot.settings.secrets import PREFIX, Secret, looks_like_secret, read_secret, suggestion

#: Settings that are secrets themselves: each may also come from a file.
SECRET_FIELDS = ("database_url", "alerts", "deadman", "token", "proposals")
# A piece of an alert's address that may be a token: Apprise puts them anywhere in it.
_SHORTEST_PIECE = 8


def _typed(read: Callable[[str], object]) -> BeforeValidator:
    """Return what reads the text of a variable; what the program itself gives has its type."""
    return BeforeValidator(lambda value: read(value) if isinstance(value, str) else value)


def _seconds(value: str) -> timedelta:
    try:
        seconds = float(value)
    except ValueError:
        raise ValueError("give a number of seconds, such as 2.5") from None
    if not (math.isfinite(seconds) and 0 <= seconds <= 86_400):
        raise ValueError("give seconds from 0 to 86400 (a day)")
    return timedelta(seconds=seconds)


def _path(value: str) -> Path:
    if not value:
        raise ValueError("empty; name what it stands for, or remove it")
    return Path(value)


def _secrets(value: str) -> list[Secret]:
    return [Secret(word) for word in value.split()]


def database_address(value: str) -> Secret:
    """Return a database's address as the store takes it; ValueError where it is none of ours."""
    address = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", value)
    if not address.startswith(("sqlite:////", "postgresql+psycopg://")):
        raise ValueError("begin with sqlite://// (and an absolute path) or postgresql://")
    return Secret(address)


def _listening(value: str) -> str:
    host, colon, port = value.rpartition(":")
    is_port = port.isascii() and port.isdecimal() and 0 < int(port) < 65_536
    if value != "off" and not (host and colon and is_port):
        raise ValueError("write off, or an address and a port such as 127.0.0.1:8765")
    return value


def _ping(value: str) -> Secret:
    if not value.startswith(("https://", "http://")):
        raise ValueError("begin with https://")
    return Secret(value)


def _repository(value: str) -> Secret:
    if not value.startswith(("https://", "ssh://", "/")):
        raise ValueError("begin with https:// or ssh://, or name a folder by its whole path")
    if not value.isprintable() or any(char in value for char in ' "\\'):
        raise ValueError("has characters that no address has")
    return Secret(value)


def _web_address(value: str) -> str:
    if value and not re.fullmatch(r"https?://[!-?A-~]+", value):
        raise ValueError("begin with https:// or http://, without a name or password in it")
    return value


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError("name one IP address, such as 172.18.0.2") from None


_Seconds = Annotated[timedelta, _typed(_seconds), NoDecode]
_Path = Annotated[Path, _typed(_path)]
_Words = Annotated[tuple[str, ...], _typed(str.split), NoDecode]


class Settings(BaseSettings):
    """What an operator can set; every one has a default that works."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
    )

    #: The campaign's files.
    config: _Path = Path("schedule.yaml")
    posts: _Path = Path("posts")
    #: Where the database, the sent log and the lock lie.
    data: _Path = Path("data")
    #: Another database than the embedded one in `data`.
    database_url: Annotated[Secret | None, _typed(database_address)] = None
    #: Apprise addresses of whom to tell what needs a person; separated by spaces or lines.
    alerts: Annotated[tuple[Secret, ...], _typed(_secrets), NoDecode] = ()
    #: Address that is asked for once a minute while all is well: who hears nothing raises an alarm.
    deadman: Annotated[Secret | None, _typed(_ping)] = None
    #: Allowed signers: content comes into force only from a commit that one of these keys signed.
    content_signers: Path | None = None
    #: Git repository that people may propose posts to on the desk, on branches of their own.
    proposals: Annotated[Secret | None, _typed(_repository)] = None
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    #: Name of this machine, where the machine's own id does not do; see `machine_id`.
    host_id: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    #: How long a worker may keep a delivery.
    lease: _Seconds = timedelta(seconds=120)
    #: Wait for a platform to take a connection, and to answer; together below half a lease.
    connect_timeout: _Seconds = timedelta(seconds=5)
    read_timeout: _Seconds = timedelta(seconds=30)
    #: Override each platform's waits before, and between, the reads that settle a delivery.
    settle_first: _Seconds | None = None
    settle_apart: _Seconds | None = None
    settle_last: _Seconds | None = None
    #: Whatever files and database say, secrets go to these alone; none named is wherever they say.
    servers: _Words = ()
    #: Whatever the files say, in US dollars, posts of one account, and share of a built-in price.
    max_budget_usd_per_month: Annotated[float, Field(ge=0, le=1_000_000)] = 100.0
    max_posts_per_day: Annotated[int, Field(ge=1, le=1000)] = 100
    max_discount: Annotated[float, Field(ge=0, le=1)] = 0.5
    #: Between two posts of a queue on one account; the files may only ask for more.
    min_spacing: _Seconds = timedelta(minutes=5)
    #: Days for which is kept what proves nothing: unused pictures, bookings, dead workers.
    keep_days: Annotated[int, Field(ge=62, le=36_500)] = 400
    #: Between two looks at the campaign's files.
    reload: _Seconds = timedelta(seconds=5)
    #: How long a call that is under way may take to end when the service is stopped.
    stop_grace: _Seconds = timedelta(seconds=40)
    #: File of approvers' public keys; one in `data` where none is named.
    approver_keys: Path | None = None
    #: Whatever the files say, a live post needs so many approvals, each signed; 0 is as they say.
    min_signed_approvals: Annotated[int, Field(ge=0, le=20)] = 0
    #: Stands for a user on the command line, in the place of a password.
    token: Annotated[Secret | None, _typed(Secret)] = None
    #: Where the dashboard listens, ``HOST:PORT``; ``off`` is nowhere.
    web: Annotated[str, _typed(_listening)] = "127.0.0.1:8765"
    #: What people type to reach it, as browsers say it in ``Host``; separated by spaces.
    web_hosts: _Words = ()
    #: TLS of its own: files with the certificate (and what it hangs on) and its key.
    web_certificate: Path | None = None
    web_key: Path | None = None
    #: The address of the proxy that has TLS instead.
    web_proxy: Annotated[str | None, _typed(_address)] = None
    #: Whether `run` looks at each link of the reading list once a week.
    links: Literal["off", "weekly"] = "off"
    #: Address of an RFC 3161 authority that stamps what `archive` keeps; empty for none.
    time_stamps: Annotated[str, _typed(_web_address)] = ""
    #: Address of a proxy for `archive` and looks at links; it must take CONNECT.
    links_proxy: Annotated[str, _typed(_web_address)] = ""

    #: Where ``/livez``, ``/readyz`` and ``/metrics`` are answered; ``off`` is nowhere.
    monitor: Annotated[str, _typed(_listening)] = "127.0.0.1:8766"

    @model_validator(mode="after")
    def _timeouts_fit_the_lease(self) -> Self:
        if self.connect_timeout + self.read_timeout >= self.lease / 2:
            raise ValueError(
                "VERBATIM_CONNECT_TIMEOUT and VERBATIM_READ_TIMEOUT together must be below "
                "half of VERBATIM_LEASE, or another worker could take over a call under way"
            )
        return self

    def desk(self) -> str:
        """Return the address of the dashboard, as people reach it; empty where it is off."""
        if self.web == "off":
            return ""
        is_secure = self.web_certificate or self.web_proxy
        host = self.web_hosts[0] if self.web_hosts else self.web
        return f"{'https' if is_secure else 'http'}://{host}"

    def machine_id(self) -> str:
        """Return which machine this is, so that a database copied to another one is noticed."""
        if self.host_id:
            return self.host_id
        try:
            machine = Path("/etc/machine-id").read_text(encoding="ascii", errors="replace").strip()
        except OSError:
            machine = ""
        # machine-id(5): not to be told to others as it is.
        return sha256_hex(f"verbatim {machine}")[:16] if machine else os.uname().nodename


def load_settings(*, account_secrets: Collection[str], mask: Callable[[str], None]) -> Settings:
    """Read the environment; what is secret in it is told to ``mask``.

    A variable that ends in one of ``account_secrets`` (the short names of all platforms' secrets,
    ``ACCESS_TOKEN`` and so on) is not a setting; see `secrets_for` and `stray_secrets`.

    Raises:
        SettingsError: every unknown or wrong variable, a line each, without any value.
    """
    problems = list(_unknown(os.environ, account_secrets))
    given: dict[str, Any] = {}
    for field in SECRET_FIELDS:
        try:
            secret = read_secret(_variable(field), os.environ, mask=mask)
        except SettingsError as problem:
            problems.append(str(problem))
            continue
        if secret is not None:
            given[field] = secret
            # Of a repository's address only what stands before the @ may be secret.
            _mask_pieces(secret.rpartition("@")[0] if field == "proposals" else secret, mask)
    try:
        settings = Settings(**given)
    except ValidationError as error:
        for found in error.errors(include_input=False):
            message = found["msg"].removeprefix("Value error, ")
            if found["loc"]:
                name = _variable(str(found["loc"][0]))
                message = f"{name}: {message[0].lower()}{message[1:]}"
            problems.append(message)
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def _unknown(env: Mapping[str, str], account_secrets: Collection[str]) -> list[str]:
    known = {_variable(field) for field in Settings.model_fields}
    known |= {f"{_variable(field)}_FILE" for field in SECRET_FIELDS}
    return [
        f"{name}: no such setting{suggestion(name.upper(), known)}"
        for name in sorted(env)
        if name.upper().startswith(PREFIX)
        and name not in known
        and not looks_like_secret(name, account_secrets)
    ]


def _variable(field: str) -> str:
    return f"{PREFIX}{field.upper()}"


def _mask_pieces(address: str, mask: Callable[[str], None]) -> None:
    """Mask also the parts of an address that may be a password or token: libraries log them."""
    for word in address.split():
        for piece in re.split(r"[/:@?&=,]+", word.partition("://")[2]):
            if len(piece) >= _SHORTEST_PIECE and "." not in piece and piece != "localhost":
                mask(piece)
