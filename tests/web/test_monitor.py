"""Machines hear the same as people: alive, ready, and numbers."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request

import pytest
import yaml

from bot.authority.tables import StopReason
from bot.operations.channels import ping
from bot.settings.environment import Settings
from bot.settings.secrets import Secret
from bot.web.server import Monitor, metrics, monitoring
from tests.conftest import ROOT
from tests.fakes.loopback import Loopback, Told
from tests.fakes.running_bot import ACCOUNTS, MINUTE, NINE, RunningBot
from tests.servers import free_port


@pytest.fixture
def monitor(bot: RunningBot) -> Monitor:
    return Monitor(bot.services.activity.is_alive, bot.services.status)


def test_a_service_in_order_is_alive_and_ready(monitor: Monitor) -> None:
    assert monitor.answer("/livez")[0] == 200
    assert monitor.answer("/readyz")[::2] == (200, b"ok\n")


def test_what_is_urgent_is_told_in_the_same_words_as_people_hear(
    bot: RunningBot, monitor: Monitor
) -> None:
    bot.store.accounts.stop("m", StopReason.UNAUTHORIZED, "revoked", bot.clock.now())

    code, _kind, text = monitor.answer("/readyz")

    (matter,) = bot.services.status().errors
    assert (code, text.decode()) == (503, f"stopped/m/unauthorized: {matter.text}\n")
    assert monitor.answer("/livez")[0] == 200


def test_a_loop_that_stands_still_is_not_alive(bot: RunningBot, monitor: Monitor) -> None:
    bot.clock.advance(3 * MINUTE)

    assert monitor.answer("/livez")[0] == 503


def test_a_process_that_stands_by_is_alive_and_not_ready() -> None:
    assert [Monitor().answer(path)[0] for path in ("/livez", "/readyz", "/")] == [200, 503, 404]


def test_numbers_are_of_each_account(bot: RunningBot, monitor: Monitor) -> None:
    bot.desk.pause("mourning", by="Ann")
    bot.clock.advance(NINE + 5 * MINUTE - bot.clock.now())

    text = monitor.answer("/metrics")[2].decode()

    assert 'verbatim_account_overdue_seconds{account="m"} 300.0' in text
    assert 'verbatim_account_obstacle{account="m",obstacle="paused"} 1.0' in text
    assert 'verbatim_deliveries{state="PLANNED"} 1.0' in text
    assert "process_resident_memory_bytes" in text


def test_the_shipped_rules_and_dashboard_ask_for_numbers_that_exist(
    bot: RunningBot, monitor: Monitor
) -> None:
    bot.use(m=ACCOUNTS["m"].replace("owner", "budget_usd_per_month: 5, owner"))
    bot.watch()
    text = monitor.answer("/metrics")[2].decode()
    bot.desk.pause("so that something stands in the way", by="Ann")
    text += monitor.answer("/metrics")[2].decode()
    rules = (ROOT / "deploy" / "prometheus-rules.yaml").read_text(encoding="utf-8")
    dashboard = (ROOT / "deploy" / "grafana-dashboard.json").read_text(encoding="utf-8")

    asked = set(re.findall(r"\b(?:verbatim|process)_\w+", rules + dashboard))

    assert {name for name in asked if name not in text} == set()
    assert yaml.safe_load(rules)["groups"]
    assert json.loads(dashboard)["panels"]


def test_it_is_answered_over_http(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("VERBATIM_MONITOR", f"127.0.0.1:{port}")
    with monitoring(monitor, Settings()):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez") as answer:
            assert answer.read() == b"ok\n"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/etc/passwd")
        with monitoring(monitor, Settings()):
            pass  # the address is taken: told in the log, and no reason not to send


def test_before_the_service_is_at_work_it_is_not_ready() -> None:
    assert b"verbatim_ready 0.0" in metrics(None)


def test_the_dead_man_hears_only_while_nothing_is_urgent(bot: RunningBot) -> None:
    with Loopback(lambda _request: Told(503)) as deadman:
        bot.services.known = Settings(deadman=Secret(f"{deadman.origin}/me"))
        bot.services.tell_dead_man()
        bot.store.accounts.stop("m", StopReason.UNAUTHORIZED, "revoked", bot.clock.now())
        bot.services.tell_dead_man()

        assert deadman.lines == ["GET /me"]


def test_a_dead_man_s_address_that_does_not_answer_is_no_failure() -> None:
    ping("http://127.0.0.1:9/")
    ping(None)
