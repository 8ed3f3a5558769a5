"""Secrets: from a variable, a file that a variable names, or a directory of secret files."""

from __future__ import annotations

import difflib
import os
import re
import stat
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.errors import SettingsError

PREFIX = "VERBATIM_"
#: Where container engines put secret files.
MOUNTED = Path("/run/secrets")
LARGEST_FILE = 64 * 1024


class Secret(str):
    """A text that its own `repr` does not tell."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(***)"


#: What people paste with a secret, and what to do; none of it can begin or end a token.
FLAWS = (
    ("\ufeff", "begins with a byte order mark; save the file as UTF-8 without one"),
    (r"\s|.*\s\Z", "holds a space at an end; paste it anew"),
    (r"[\"'`“‘«]|.*[\"'`”’»]\Z", "stands in quotation marks; write only what is between them"),
    (
        r"(?i)(bearer|basic|token)\s",
        "begins with a word of the HTTP header; write only what follows",
    ),
    (
        r"(?i)(export\s+)?\w+_(token|password|secret|key)\s*[=:]",
        "begins with the name of a variable; write only what follows",
    ),
)


def is_configured() -> bool:
    """Return whether the environment sets anything of ours."""
    return any(name.upper().startswith(PREFIX) for name in os.environ)


def secret_name(account: str, secret: str) -> str:
    """Return the variable of an account's secret: ``VERBATIM_<ACCOUNT>_<SECRET>``."""
    return f"{PREFIX}{re.sub(r'[^A-Z0-9]', '_', account.upper())}_{secret}"


def secrets_for(
    account: str,
    names: Collection[str],
    env: Mapping[str, str],
    *,
    mask: Callable[[str], None],
    kept: Path | None = None,
) -> Mapping[str, Secret]:
    """Read an account's secrets, by their short names; each is told to ``mask`` first.

    Raises:
        SettingsError: every one that is missing or unsafe, a line each, without any value.
    """
    found: dict[str, Secret] = {}
    problems: list[str] = []
    for name in names:
        variable = secret_name(account, name)
        try:
            secret = read_secret(variable, env, mask=mask, kept=kept)
        except SettingsError as problem:
            problems.append(str(problem))
            continue
        if secret is None:
            where = f"`login {account}` asks for it; or set it, or {variable}_FILE to its file"
            problems.append(f"{variable}: missing; {where}")
        elif why := _flaw(secret):
            problems.append(f"{variable}: {why}")
        else:
            found[name] = secret
    if problems:
        raise SettingsError("\n".join(problems))
    return found


def _flaw(secret: str) -> str:
    """Return what was pasted around a secret and what to write; empty for one that may be right."""
    for pattern, why in FLAWS:
        if re.match(pattern, secret):
            return why
    return "" if secret.isprintable() else "holds a control character; paste it anew"


def read_secret(
    name: str, env: Mapping[str, str], *, mask: Callable[[str], None], kept: Path | None = None
) -> Secret | None:
    """Read one secret from the only place that has it; None where no place has.

    SettingsError where two places have it, or its file is not safe. `login` fills ``kept``.
    """
    places = _places(name, env, kept)
    if len(places) > 1:
        both = " and ".join(place.label for place in places)
        raise SettingsError(f"{name}: given twice, by {both}; keep one")
    if not places:
        return None
    place = places[0]
    value = place.value if place.path is None else _read_file(name, place)
    value = value.rstrip("\r\n")
    if not value.strip():
        raise SettingsError(f"{name}: empty in {place.label}; remove it or fill it in")
    try:
        value.encode()
    except UnicodeEncodeError:
        # No `from`: that error's text holds the value.
        raise SettingsError(f"{name}: not UTF-8 in {place.label}") from None
    mask(value)
    return Secret(value)


def given_elsewhere(
    account: str, names: Collection[str], env: Mapping[str, str], *, kept: Path
) -> Mapping[str, str]:
    """Return the places of an account's secrets, by variable, but for what `login` ``kept``."""
    return {
        variable: place.label
        for variable in (secret_name(account, name) for name in names)
        for place in _places(variable, env, kept)
        if place.path is None or place.path.absolute() != (kept / variable).absolute()
    }


def stray_secrets(
    env: Mapping[str, str], accounts: Mapping[str, Collection[str]], *, all_names: Collection[str]
) -> tuple[str, ...]:
    """Return a line for each variable that looks like an account's secret but is of no account.

    ``accounts`` has the short names of the secrets that each account needs, ``all_names`` those
    of all platforms.
    """
    wanted = {secret_name(account, name) for account in accounts for name in accounts[account]}
    given = {name.removesuffix("_FILE") for name in env if looks_like_secret(name, all_names)}
    return tuple(
        f"{name}: no account of the schedule uses it{suggestion(name, wanted)}"
        for name in sorted(given - wanted)
    )


def looks_like_secret(variable: str, names: Collection[str]) -> bool:
    """Return whether this could be an account's secret: ``VERBATIM_<something>_<SECRET>``."""
    bare = variable.removesuffix("_FILE").removeprefix(PREFIX)
    is_ours = variable.startswith(PREFIX)
    return is_ours and any(bare.endswith(f"_{name}") and bare != f"_{name}" for name in names)


def suggestion(name: str, known: Collection[str]) -> str:
    """Return the nearest known name, ready to end a message; empty where none is near."""
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.7)
    return f"; did you mean {near[0]}?" if near else ""


@dataclass(frozen=True, slots=True)
class _SecretSource:
    label: str
    value: str = ""
    path: Path | None = None
    #: systemd shows its own files as readable by a group although an ACL lets one user in.
    is_systemd: bool = False


def _places(name: str, env: Mapping[str, str], kept: Path | None) -> list[_SecretSource]:
    places = [_SecretSource("the variable itself", value=env[name])] if name in env else []
    files: dict[Path, _SecretSource] = {}
    if (named := env.get(f"{name}_FILE")) is not None:
        files[Path(named).absolute()] = _SecretSource(f"{name}_FILE", path=Path(named))
    credentials = env.get("CREDENTIALS_DIRECTORY")
    for folder in (credentials, MOUNTED, kept):
        for path in (Path(folder, name), Path(folder, name.lower())) if folder else ():
            if path.absolute() not in files and os.access(path, os.F_OK):
                is_systemd = folder is credentials
                files[path.absolute()] = _SecretSource(str(path), path=path, is_systemd=is_systemd)
    return places + list(files.values())


def _read_file(name: str, place: _SecretSource) -> str:
    path = place.path or Path()
    if path == Path():
        raise SettingsError(f"{name}_FILE: empty; name a file or remove it")
    try:
        # Not blocking, so that a fifo does not hang the start; judged by what was opened.
        with open(
            path, "rb", opener=lambda file, flags: os.open(file, flags | os.O_NONBLOCK)
        ) as file:
            is_private = place.is_systemd or is_mounted_for_us(file.fileno())
            _require_private(name, path, os.fstat(file.fileno()), is_private=is_private)
            return file.read(LARGEST_FILE).decode()
    except OSError as error:
        raise SettingsError(f"{name}: cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise SettingsError(f"{name}: {path} is not UTF-8") from None


def is_mounted_for_us(file: int) -> bool:
    """Return whether a container engine put an open file there.

    It mounts secrets read-only, with modes that nobody can change from inside (0444 by swarm, 0440
    by Kubernetes), where nobody lives but the bot.
    """
    is_read_only = bool(os.fstatvfs(file).f_flag & os.ST_RDONLY)
    return is_read_only and os.fstat(file).st_dev != Path("/").stat().st_dev


def _require_private(name: str, path: Path, file: os.stat_result, *, is_private: bool) -> None:
    if not stat.S_ISREG(file.st_mode):
        raise SettingsError(f"{name}: {path} is not a plain file")
    if file.st_mode & 0o077 and not is_private:
        raise SettingsError(
            f"{name}: others may read {path} (mode {file.st_mode & 0o777:04o}); "
            f"run: chmod 600 {path}"
        )
    if file.st_size > LARGEST_FILE:
        raise SettingsError(f"{name}: {path} has {file.st_size} bytes; that is no secret")
