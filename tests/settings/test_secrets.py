"""Secrets come from one safe place, and no message tells them."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.errors import SettingsError
from bot.settings.secrets import Secret, given_elsewhere, secret_name, secrets_for, stray_secrets

VALUE = "tok-3f9c2a77"
VARIABLE = "VERBATIM_COALITION_MASTODON_ACCESS_TOKEN"


def read(env: dict[str, str], mounted: Path, masked: list[str] | None = None) -> Secret:
    told = [] if masked is None else masked
    names = ("ACCESS_TOKEN",)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.settings.secrets.MOUNTED", mounted)
        (secret,) = secrets_for("coalition-mastodon", names, env, mask=told.append).values()
    return secret


def refusal(env: dict[str, str], mounted: Path) -> str:
    with pytest.raises(SettingsError) as error:
        read(env, mounted)
    assert VALUE not in str(error.value)
    assert error.value.__cause__ is None or VALUE not in repr(error.value.__cause__)
    return str(error.value)


def secret_file(path: Path, content: str | bytes = VALUE, mode: int = 0o600) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def test_the_variable_is_named_after_the_account() -> None:
    assert secret_name("coalition-mastodon", "ACCESS_TOKEN") == VARIABLE


def test_a_variable_s_value_is_read_and_masked(tmp_path: Path) -> None:
    masked: list[str] = []

    secret = read({VARIABLE: VALUE}, tmp_path, masked)

    assert secret == VALUE
    assert masked == [VALUE]


def test_a_secret_does_not_show_itself(tmp_path: Path) -> None:
    secrets = secrets_for(
        "a", ("APP_PASSWORD",), {"VERBATIM_A_APP_PASSWORD": VALUE}, mask=lambda _: None
    )

    assert VALUE not in repr(secrets)
    assert VALUE not in repr({"nested": [secrets]})


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_a_file_s_last_line_break_is_no_part_of_the_secret(end: str, tmp_path: Path) -> None:
    file = secret_file(tmp_path / "token", VALUE + end)

    assert read({f"{VARIABLE}_FILE": str(file)}, tmp_path / "none") == VALUE


@pytest.mark.parametrize("name", [VARIABLE, VARIABLE.lower()])
def test_a_container_s_or_systemd_s_secret_file_is_found_by_its_name(
    name: str, tmp_path: Path
) -> None:
    secret_file(tmp_path / name)

    assert read({}, tmp_path) == VALUE
    assert read({"CREDENTIALS_DIRECTORY": str(tmp_path)}, tmp_path / "none") == VALUE


def test_systemd_s_files_look_open_to_their_group_and_are_not(tmp_path: Path) -> None:
    secret_file(tmp_path / VARIABLE, mode=0o440)

    assert read({"CREDENTIALS_DIRECTORY": str(tmp_path)}, tmp_path / "none") == VALUE


def test_a_variable_that_names_the_mounted_file_is_one_place(tmp_path: Path) -> None:
    file = secret_file(tmp_path / VARIABLE)

    assert read({f"{VARIABLE}_FILE": str(file)}, tmp_path) == VALUE


def test_two_places_are_refused(tmp_path: Path) -> None:
    file = secret_file(tmp_path / "token")

    message = refusal({VARIABLE: VALUE, f"{VARIABLE}_FILE": str(file)}, tmp_path)
    secret_file(tmp_path / VARIABLE)

    twice = f"{VARIABLE}: given twice, by the variable itself and"
    assert message == f"{twice} {VARIABLE}_FILE; keep one"
    assert refusal({VARIABLE: VALUE}, tmp_path).startswith(twice)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_may_read_is_refused(mode: int, tmp_path: Path) -> None:
    file = secret_file(tmp_path / "token", mode=mode)

    message = refusal({f"{VARIABLE}_FILE": str(file)}, tmp_path)

    assert f"others may read {file} (mode {mode:04o}); run: chmod 600 {file}" in message


def test_a_file_that_an_engine_mounted_may_be_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kubernetes and swarm mount read-only file systems with 0440 and 0444."""
    file = secret_file(tmp_path / "token", mode=0o444)
    assert "others may read" in refusal({f"{VARIABLE}_FILE": str(file)}, tmp_path)
    look, tell = Path.stat, os.fstatvfs
    monkeypatch.setattr(
        os, "fstatvfs", lambda file: SimpleNamespace(f_flag=tell(file).f_flag | os.ST_RDONLY)
    )
    # As if the file were not on the root's own file system.
    other = Path("/proc")
    monkeypatch.setattr(Path, "stat", lambda at: look(other if at == Path("/") else at))

    assert read({f"{VARIABLE}_FILE": str(file)}, tmp_path) == VALUE


FORMS = {
    **dict.fromkeys(("", "\n", "  \n", "\t"), "empty"),
    **dict.fromkeys((f'"{VALUE}"', f"'{VALUE}'", f"“{VALUE}”"), "stands in quotation marks"),
    f"Bearer {VALUE}": "begins with a word of the HTTP header",
    f"\ufeff{VALUE}": "begins with a byte order mark",
    **dict.fromkeys(
        (f"{VARIABLE}={VALUE}", f"export ACCESS_TOKEN={VALUE}", f"app_password: {VALUE}"),
        "begins with the name of a variable",
    ),
    **dict.fromkeys((f" {VALUE}", f"{VALUE} ", f"{VALUE}\n{VALUE}", f"{VALUE}\x1b[0m"), "paste"),
    f"{VALUE}\udcff": "not UTF-8",
}


@pytest.mark.parametrize(("value", "says"), FORMS.items())
def test_what_is_no_secret_is_refused_in_a_variable_and_in_a_file(
    tmp_path: Path, value: str, says: str
) -> None:
    file = secret_file(tmp_path / "token", value.encode(errors="surrogateescape"))

    assert says in refusal({VARIABLE: value}, tmp_path)
    assert says in refusal({f"{VARIABLE}_FILE": str(file)}, tmp_path)


def test_a_missing_secret_says_where_to_put_it(tmp_path: Path) -> None:
    message = refusal({}, tmp_path)

    assert message == (
        f"{VARIABLE}: missing; `login coalition-mastodon` asks for it; or set it, or"
        f" {VARIABLE}_FILE to its file"
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("fifo", "not a plain file"),
        ("", "cannot read"),
        ("none", "cannot read"),
        ("huge", "that is no secret"),
    ],
)
def test_what_is_no_plain_file_of_a_secret_s_size_is_refused_at_once(
    tmp_path: Path, name: str, says: str
) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    secret_file(tmp_path / "huge", "x" * 100_000)

    assert says in refusal({f"{VARIABLE}_FILE": str(tmp_path / name)}, tmp_path)


def test_a_variable_that_names_no_file_is_refused(tmp_path: Path) -> None:
    assert "empty" in refusal({f"{VARIABLE}_FILE": ""}, tmp_path)


def test_all_missing_secrets_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as error:
        secrets_for("x", ("CONSUMER_KEY", "ACCESS_TOKEN"), {}, mask=lambda _: None)

    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == [
        "VERBATIM_X_CONSUMER_KEY",
        "VERBATIM_X_ACCESS_TOKEN",
    ]


def test_a_secret_of_no_account_is_told_with_what_was_meant() -> None:
    env = {"VERBATIM_COALITION_MASTODN_ACCESS_TOKEN_FILE": "/x", VARIABLE: VALUE, "HOME": "/"}

    unused_secrets = stray_secrets(
        env, {"coalition-mastodon": ("ACCESS_TOKEN",)}, all_names=("ACCESS_TOKEN", "APP_PASSWORD")
    )

    assert unused_secrets == (
        "VERBATIM_COALITION_MASTODN_ACCESS_TOKEN: no account of the schedule uses it; "
        f"did you mean {VARIABLE}?",
    )


def test_what_login_keeps_is_not_given_elsewhere(tmp_path: Path) -> None:
    kept = secret_file(tmp_path / VARIABLE)

    assert not given_elsewhere(
        "coalition-mastodon", ("ACCESS_TOKEN",), {f"{VARIABLE}_FILE": str(kept)}, kept=tmp_path
    )
