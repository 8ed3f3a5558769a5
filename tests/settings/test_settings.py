"""Settings come from checked variables only."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.platforms.spec import ReadBackPolicy
from bot.settings.environment import Settings, load_settings
from bot.settings.private import prepare_data
from tests.conftest import ROOT

NAMES = ("ACCESS_TOKEN", "ACCESS_TOKEN_SECRET", "APP_PASSWORD")


Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Read the settings of an environment with these variables."""

    def load(masked: list[str] | None = None, **variables: str) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        told = [] if masked is None else masked
        return load_settings(account_secrets=NAMES, mask=told.append)

    monkeypatch.setattr("bot.settings.secrets.MOUNTED", tmp_path / "none")

    return load


def test_every_setting_has_a_default_that_works(load: Load) -> None:
    settings = load()

    assert settings.data == Path("data")
    assert settings.alerts == ()
    assert settings.log_format == "json"
    assert settings.lease == timedelta(minutes=2)


def test_settings_are_read_from_the_environment(load: Load) -> None:
    settings = load(
        VERBATIM_DATA="/srv/verbatim",
        VERBATIM_LEASE="10",
        VERBATIM_CONNECT_TIMEOUT="0.5",
        VERBATIM_READ_TIMEOUT="2",
        VERBATIM_SETTLE_APART="0",
        VERBATIM_SETTLE_LAST="7",
        VERBATIM_LOG_FORMAT="console",
    )

    assert settings.data == Path("/srv/verbatim")
    assert (settings.lease, settings.read_timeout) == (timedelta(seconds=10), timedelta(seconds=2))
    assert settings.log_format == "console"
    policy = ReadBackPolicy(2, timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=9))
    waiting = policy.waiting(settings.settle_first, settings.settle_apart, settings.settle_last)
    assert waiting == replace(policy, apart=timedelta(0), outlives=timedelta(seconds=7))


def test_an_account_s_secret_is_no_unknown_setting(load: Load) -> None:
    settings = load(VERBATIM_COALITION_X_ACCESS_TOKEN_SECRET_FILE="/nowhere")

    assert settings.database_url is None


def test_all_problems_are_told_at_once_with_what_was_meant(load: Load) -> None:
    with pytest.raises(SettingsError) as error:
        load(
            VERBATIM_DATABASE="sqlite:////x",
            VERBATIM_LOG_FROMAT="json",
            verbatim_data="/x",
            VERBATIM_LEASE="soon",
            VERBATIM_RELOAD="inf",
            VERBATIM_DATA="",
        )

    assert str(error.value).splitlines() == [
        "VERBATIM_DATABASE: no such setting; did you mean VERBATIM_DATABASE_URL?",
        "VERBATIM_LOG_FROMAT: no such setting; did you mean VERBATIM_LOG_FORMAT?",
        "verbatim_data: no such setting; did you mean VERBATIM_DATA?",
        "VERBATIM_DATA: empty; name what it stands for, or remove it",
        "VERBATIM_LEASE: give a number of seconds, such as 2.5",
        "VERBATIM_RELOAD: give seconds from 0 to 86400 (a day)",
    ]


def test_timeouts_must_leave_half_the_lease(load: Load) -> None:
    with pytest.raises(SettingsError, match="below half of VERBATIM_LEASE"):
        load(VERBATIM_LEASE="70")


def test_the_database_s_password_is_masked_and_shown_nowhere(load: Load) -> None:
    address = "postgresql://verbatim:correct-horse@localhost/verbatim"
    masked: list[str] = []

    settings = load(masked, VERBATIM_DATABASE_URL=address)

    assert settings.database_url == address.replace("postgresql:", "postgresql+psycopg:")
    assert {address, "correct-horse"} <= set(masked)
    assert "horse" not in repr(settings)


@pytest.mark.parametrize("address", ["mysql://u:correct-horse@h/d", "sqlite:///relative.db"])
def test_a_wrong_database_address_is_refused_without_being_told(load: Load, address: str) -> None:
    with pytest.raises(SettingsError, match=r"VERBATIM_DATABASE_URL: begin with") as error:
        load(VERBATIM_DATABASE_URL=address)

    assert "horse" not in str(error.value)
    assert "relative" not in str(error.value)


def test_alerts_come_from_a_file_one_a_line(load: Load, tmp_path: Path) -> None:
    alerts = ("json://localhost:8080/hook", "slack://TokenA123/TokenB456/TokenC789")
    file = tmp_path / "alerts"
    file.write_text("\n".join(alerts) + "\n")
    file.chmod(0o600)
    masked: list[str] = []

    settings = load(masked, VERBATIM_ALERTS_FILE=str(file))

    assert settings.alerts == alerts
    assert {"TokenA123", "TokenB456", "TokenC789"} <= set(masked)
    assert "localhost" not in masked
    assert "Token" not in repr(settings)


def test_the_machine_is_known_by_its_own_id_or_the_operator_s(load: Load) -> None:
    assert load().machine_id() == load().machine_id() != ""
    assert load(VERBATIM_HOST_ID="press-room").machine_id() == "press-room"


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_data_that_others_may_write_to_is_refused(open_umask: None, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)

    with pytest.raises(SettingsError, match="chmod 700"):
        prepare_data(tmp_path)


def test_data_that_cannot_be_made_says_what_to_do(open_umask: None, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SettingsError, match="name one that can be written with --data"):
        prepare_data(tmp_path / "file" / "data")


ODD_START = """
import os, sys
import structlog.stdlib  # an unknown user may not read where this Python is
from bot import log, masking
from bot.settings.private import prepare_data
from bot.settings.environment import load_settings
if len(sys.argv) > 1:
    os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))
log.configure()
settings = load_settings(account_secrets=(), mask=masking.mask)
(prepare_data(settings.data) / "file").touch()
log.get_logger("bot").info("started", machine=settings.machine_id())
"""


def start_oddly(data: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = {
        "TZ": "Not/AZone:;",
        "VERBATIM_DATA": str(data),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HTTPS_PROXY": "http://[::1]:9",
        "LANG": "C",
    }
    command = [sys.executable, "-c", ODD_START, *args]
    return subprocess.run(command, env=env, cwd="/proc", umask=0, capture_output=True, text=True)


def test_an_odd_environment_starts_all_the_same(tmp_path: Path) -> None:
    """No HOME, a read-only working directory, no such time zone, umask 000, a dead proxy."""
    done = start_oddly(tmp_path / "data")

    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((tmp_path / "data" / "file").stat().st_mode) == 0o600
    assert '"event": "started"' in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process as nobody known")
def test_an_unknown_user_without_a_writable_place_is_told_why(tmp_path: Path) -> None:
    done = start_oddly(tmp_path / "data", "10001")

    assert f"the data directory {tmp_path / 'data'} cannot be used" in done.stderr
