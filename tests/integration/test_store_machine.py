"""Whatever workers, people, crashes and clocks do: laws of the outbox that always hold."""

from __future__ import annotations

import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from bot.authority.pauses import PauseState
from bot.content.model import Account
from bot.delivery.decide import Outcome, give_up
from bot.delivery.lifecycle import MOVES, Event
from bot.delivery.model import Delivery, State
from bot.delivery.rows import Move
from bot.errors import DecisionError, LeaseLostError, PausedError, StoreError
from bot.operations.opening import open_store
from bot.planning.store import Store
from bot.platforms.status import Draft, PostRef
from tests.integration.store_rows import (
    NO_ROOM,
    NOW,
    absent,
    new_publication,
    put_off,
    sent,
    unknown,
)
from tests.servers.postgres import PostgresServer

LEASE = timedelta(minutes=2)
ACCOUNTS = ("one", "two")
BY_HAND = (
    Event.HOLD,
    Event.CANCEL,
    Event.SEND,
    Event.REQUEUE,
    Event.DROP,
    Event.RETRY,
    Event.MARK_SENT,
    Event.RETRACT,
)


class OutboxMachine(RuleBasedStateMachine):
    """Workers that claim, call, die and come back late; people that decide at any moment."""

    url: str
    data: Path
    claims = Bundle("claims")

    @initialize(target=claims)
    def start(self) -> Any:
        self.now: datetime = NOW
        self.store: Store = self.opened()
        self.store.accounts.sync([Account(name, "x") for name in ACCOUNTS], NOW)
        #: What readers see: an entry for each call that a platform took.
        self.published: list[str] = []
        self.drafts: dict[str, Draft] = {}
        self.fences: dict[str, int] = {}
        self.begun: set[tuple[str, int]] = set()
        for account in ACCOUNTS:
            for name in range(3):
                self.plan(account, name, -name)
        self.release()
        return self.claim(ACCOUNTS[0], "w1")

    def opened(self) -> Store:
        return open_store(self.url, create=True, data=self.data, room=NO_ROOM)

    @rule(account=st.sampled_from(ACCOUNTS), name=st.integers(0, 3), minutes=st.integers(-10, 5))
    def plan(self, account: str, name: int, minutes: int) -> None:
        due = self.now + timedelta(minutes=minutes)
        new = new_publication(id=f"{account}/{name}", account=account, due_at=due)
        self.store.outbox.add(new, now=self.now)

    @rule()
    def release(self) -> None:
        for account in ACCOUNTS:
            for row in self.store.outbox.due(account, self.now):
                self.store.outbox.move(row.id, Event.RELEASE, now=self.now, actor="publisher")

    @rule(which=st.integers(0, 7), event=st.sampled_from(BY_HAND))
    def decide(self, which: int, event: Event) -> None:
        rows = self.store.outbox.find()
        if rows:
            row = rows[which % len(rows)]
            try:
                self.store.outbox.move(row.id, event, now=self.now, actor="ana", released_by="ana")
            except DecisionError:
                assert (row.state, event) not in MOVES

    @rule(target=claims, account=st.sampled_from(ACCOUNTS), owner=st.sampled_from(("w1", "w2")))
    def claim(self, account: str, owner: str) -> Any:
        claim = self.store.outbox.claim(account, now=self.now, owner=owner, lease=LEASE)
        if claim is None:
            return multiple()
        assert claim.fence > self.fences.get(claim.id, 0)
        self.fences[claim.id] = claim.fence
        return claim

    @rule(
        claim=claims,
        published=st.booleans(),
        answer=st.sampled_from(["accept", "lose", "defer", "die"]),
    )
    def call(self, claim: Delivery, published: bool, answer: str) -> None:
        key = claim.id
        draft = self.drafts.get(key) or Draft(f"key of {key}", {"at": self.now.isoformat()})
        try:
            self.store.outbox.begin(claim, draft, now=self.now)
        except (LeaseLostError, PausedError):
            return
        except StoreError:
            assert (key, claim.fence) in self.begun, "a claim begins once"
            return
        self.begun.add((key, claim.fence))
        self.drafts[key] = draft
        if answer == "defer":
            retry_at = self.now + timedelta(seconds=30)
            self.store.outbox.commit(claim, put_off(retry_at, "429"), now=self.now)
            return
        if published or answer == "accept":
            self.published.append(key)
        if answer == "accept":
            self.store.outbox.commit(claim, sent(PostRef(key)), now=self.now)
        elif answer == "lose":
            self.store.outbox.commit(claim, unknown(self.now), now=self.now)

    @rule(
        account=st.sampled_from(ACCOUNTS),
        published=st.booleans(),
        answer=st.sampled_from(("accept", "lose", "die")),
    )
    def work(self, account: str, published: bool, answer: str) -> None:
        claim = self.store.outbox.claim(account, now=self.now, owner="w3", lease=LEASE)
        if claim is not None:
            self.fences[claim.id] = claim.fence
            self.call(claim, published, answer)

    @rule(account=st.sampled_from(ACCOUNTS), published=st.booleans())
    def die_in_the_call(self, account: str, published: bool) -> None:
        self.work(account, published, "die")
        self.time_passes(130)

    @rule(claim=claims)
    def come_back_late(self, claim: Delivery) -> None:
        row = self.row(claim)
        if (row.state, row.fence) != (State.SENDING, claim.fence):
            with pytest.raises(LeaseLostError):
                self.store.outbox.commit(claim, put_off(self.now), now=self.now)

    @rule()
    def read_back(self) -> None:
        for row in self.store.outbox.unknown(self.now):
            if row.id in self.published:
                outcome = Outcome(Event.CONFIRMED_SENT, ref=PostRef(row.id))
            elif row.attempts >= 3:
                outcome = give_up("absent")
            else:
                outcome = absent(self.now)
            self.store.outbox.commit_read(row.id, outcome, now=self.now)

    @rule(seconds=st.sampled_from((1, 60, 130)))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self.store.outbox.expire(self.now)

    @rule(rarely=st.integers(0, 3))
    def pause_or_resume(self, rarely: int) -> None:
        if rarely and self.store.pauses.current() is None:
            return  # or most runs would mostly be paused
        if not self.store.pauses.pause(PauseState("a reason", "ana", self.now)):
            self.store.pauses.resume("ana", self.now)

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = self.opened()
        self.store.outbox.expire(self.now, dead_owner_before=True, owner="new")
        assert self.store.restore_guard.reason() is None

    @invariant()
    def one_at_a_time(self) -> None:
        rows = self.store.outbox.find(states={State.SENDING, State.UNKNOWN})
        in_doubt = [row.account for row in rows]
        assert len(in_doubt) == len(set(in_doubt)), "one at a time on an account"

    def teardown(self) -> None:
        try:
            for row in self.store.outbox.find():
                self.law_of(row, self.store.outbox.moves_of(row.id))
        finally:
            self.store.close()

    def law_of(self, row: Delivery, moves: tuple[Move, ...]) -> None:
        again = {Event.SEND, Event.RETRY, Event.REQUEUE}
        by_person = any(move.event in again for move in moves)
        assert self.published.count(row.id) <= 1 or by_person, "posted twice by itself"
        assert (row.lease_until is not None) == (row.state is State.SENDING)
        assert row.draft == self.drafts.get(row.id), "the first intent stays for ever"
        state = State.PLANNED
        for move in moves:
            assert (move.before, MOVES[move.before, move.event]) == (state, move.after)
            assert move.before in {before for before, _event in MOVES}
            state = move.after
        assert state is row.state, "the history leads to where it is"

    def row(self, claim: Delivery) -> Delivery:
        row = self.store.outbox.get(claim.id)
        assert row is not None
        return row


def explore(machine: type[OutboxMachine], *, examples: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            suppress_health_check=list(HealthCheck),
            database=None,
            # Shrinking on a real database outlasts the test's time; 30 steps can be read.
            phases=(Phase.generate,),
        ),
    )


def test_the_laws_hold_on_sqlite(migrated_file: Path, tmp_path: Path) -> None:
    class MachineOnSqlite(OutboxMachine):
        def opened(self) -> Store:
            if not hasattr(self, "store"):
                self.data = Path(tempfile.mkdtemp(dir=tmp_path))
                shutil.copy(migrated_file, self.data / "live.db")
                self.url = f"sqlite:///{self.data / 'live.db'}"
            return super().opened()

    explore(MachineOnSqlite, examples=20)


@pytest.mark.server
def test_the_laws_hold_on_postgresql(
    postgres_server: PostgresServer, migrated_database: str, tmp_path: Path
) -> None:
    class MachineOnPostgres(OutboxMachine):
        def opened(self) -> Store:
            if not hasattr(self, "store"):
                self.data = Path(tempfile.mkdtemp(dir=tmp_path))
                self.made = postgres_server.database(template=migrated_database)
                self.url = self.made.__enter__()
            return super().opened()

        def teardown(self) -> None:
            super().teardown()
            self.made.__exit__(None, None, None)

    explore(MachineOnPostgres, examples=5)
