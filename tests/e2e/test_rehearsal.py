"""A rehearsal tells the future: the same each time, as planned, and nothing leaves the machine."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from bot.cli.main import run
from bot.operations.opening import open_store
from tests.fakes.campaign_tree import CampaignTree
from tests.fakes.rehearsed import rehearsed

DAYS = "14"
NOW = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
Do = Callable[..., Any]


def places(folder: Path) -> list[str]:
    """Return the words that say where a campaign's files are."""
    files = ["--config", str(folder / "schedule.yaml"), "--posts", str(folder / "posts")]
    return [*files, "--data", str(folder / "data")]


def doing(folder: Path) -> Do:
    """Run a verb, always at the same moment; what it prints as JSON."""

    def done(*words: str) -> Any:
        told = io.StringIO()
        with time_machine.travel(NOW, tick=False), redirect_stdout(told):
            code = run([*words, *places(folder), "--json"])
        assert code == 0
        return json.loads(told.getvalue())

    return done


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    CampaignTree(tmp_path, shipped=True)
    return tmp_path


@pytest.fixture
def do(folder: Path) -> Do:
    return doing(folder)


@dataclass(frozen=True, slots=True)
class FinishedRehearsal:
    """A rehearsal that nobody changes any more."""

    folder: Path
    do: Do
    report: Any


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> FinishedRehearsal:
    """Rehearse the first campaign."""
    folder = tmp_path_factory.mktemp("once")
    CampaignTree(folder, shipped=True)
    do = doing(folder)
    return FinishedRehearsal(folder, do, do("rehearse", "--days", DAYS))


def rows_of(deliveries: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    keys = ("id", "account", "post_id", "occurrence", "part", "state", "due_at", "sent_at", "url")
    return [tuple(delivery[key] for key in keys) for delivery in deliveries]


def test_two_rehearsals_from_scratch_tell_the_same_future(do: Do, once: FinishedRehearsal) -> None:
    again = do("rehearse", "--days", DAYS)

    # The second began some time later, so its last day ends later, too.
    end = min(once.report["end"], again["end"])
    ours, theirs = (
        [row for row in rows_of(report["deliveries"]) if row[6] < end]
        for report in (once.report, again)
    )
    assert ours == theirs
    assert len(ours) > 20


def test_what_is_planned_is_what_is_sent(do: Do, once: FinishedRehearsal) -> None:
    report = once.report

    plan = do("plan", "--days", DAYS)

    planned = {(entry["account"], entry["post_id"], entry["due_at"]) for entry in plan["entries"]}
    sent = {
        (delivery["account"], delivery["post_id"], delivery["due_at"])
        for delivery in report["deliveries"]
        if delivery["state"] == "SENT"
    }
    assert sent == planned
    assert [delivery for delivery in report["deliveries"] if delivery["state"] != "SENT"] == []
    holes = [(hole["account"], hole["occurrence"], hole["why"]) for hole in plan["holes"]]
    assert holes == [(hole["account"], hole["occurrence"], hole["why"]) for hole in report["holes"]]


def test_it_covers_its_days_and_all_is_sent_at_its_very_moment(once: FinishedRehearsal) -> None:
    start, end = (datetime.fromisoformat(once.report[key]) for key in ("start", "end"))
    assert (start, end - start) == (NOW, timedelta(days=int(DAYS)))
    made = {path.name for path in (once.folder / "data").iterdir()}
    assert made == {"rehearse", "rehearse.lock"}, "nothing of a campaign's own"
    assert all(delivery["sent_at"] == delivery["due_at"] for delivery in once.report["deliveries"])


def test_what_the_rehearsal_accounts_show_is_what_was_sent(once: FinishedRehearsal) -> None:
    report = once.report

    shown = rehearsed(once.folder / "data" / "rehearse" / "rehearsed.db")

    assert len(shown) == len(report["deliveries"])
    texts = {
        (delivery["account"], json.loads(delivery["status_json"])["text"])
        for delivery in report["deliveries"]
    }
    assert {(published.account, published.status.text) for published in shown} == texts


def test_approvals_are_simulated_and_marked_so(
    once: FinishedRehearsal, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert once.report["approvals"] == "simulated"

    path = once.folder / "data" / "rehearse" / "verbatim.db"
    store = open_store(f"sqlite:///{path}", create=False)
    rows = store.outbox.find()
    given = [
        approval
        for row in rows
        for approval in store.approvals.standing(fingerprint=row.fingerprint)
    ]
    store.close()
    assert {(approval.by, approval.note) for approval in given} == {
        ("simulated approver 1", "rehearsal"), ("simulated approver 2", "rehearsal"),
    }  # fmt: skip

    assert run(["rehearse", "--days", "1", *places(folder)]) == 0
    assert "Approvals were simulated; nothing left this machine." in capsys.readouterr().out


def test_a_post_that_is_held_is_told_with_its_reason(do: Do, folder: Path) -> None:
    schedule = folder / "schedule.yaml"
    text = schedule.read_text(encoding="utf-8")
    schedule.write_text(text.replace("budget_usd_per_month: 5", "budget_usd_per_month: 0.02"))

    report = do("rehearse", "--days", DAYS)

    held = [delivery for delivery in report["deliveries"] if delivery["state"] == "HELD"]
    assert held
    assert {row["account"] for row in held} == {"coalition-x"}
    assert all(row["reason"].startswith("over budget") for row in held)
    assert all(spent <= 0.02 for spent in report["spent"]["coalition-x"].values())


def test_a_live_campaign_is_rehearsed_without_its_secrets(do: Do, folder: Path) -> None:
    schedule = folder / "schedule.yaml"
    text = schedule.read_text(encoding="utf-8")
    owned = "owner: Us\n    consent: {by: Us, on: 2026-01-01}\n    "
    text = text.replace("mode: rehearsal", "mode: live").replace(
        "    platform: ", f"    {owned}platform: "
    )
    labelled = "automated_label_confirmed: 2026-01-01\n    links: never"
    schedule.write_text(text.replace("links: never", labelled, 1), encoding="utf-8")

    report = do("rehearse", "--days", "7")

    assert {delivery["state"] for delivery in report["deliveries"]} == {"SENT"}
    assert not (folder / "data" / "live.db").exists()
