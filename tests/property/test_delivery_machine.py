"""The whole bot under every order of events: nothing twice, nothing lost, nothing it must not."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, event

from bot.db.backup import restore
from bot.db.lock import lock_beside
from bot.delivery.model import Delivery, State
from bot.errors import DecisionError, UnauthorizedError, UnavailableError, UnconfirmedError
from tests.fakes.running_bot import ACCOUNTS, RunningBot, post
from tests.fakes.scripted import PublishCall, Published, Server
from tests.integration.store_rows import copied_database

MINUTE = timedelta(minutes=1)
NAMES = ("p0", "p1", "p2", "p3", "p4", "p5")
ON = ("m", "b", "x")
BUDGET = 0.07
#: Nothing here depends on a disk.
FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a folder is made in it
WORDS = (
    "Cameras watch the street where bread was sold.",
    "Nobody may phone home from abroad any more.",
    "Factories keep lists of workers by their faith.",
    "A grandmother waits for letters every single week.",
    "Glass lenses hang above each door of the mosque.",
    "Students vanished on their way back to school.",
)


class KilledError(BaseException):
    """The process ends here, in the middle of whatever it does."""


class _Trap:
    """Kills at the n-th SQL statement from now; one for ever, as listeners stay."""

    left = 0

    def __call__(self, *_args: object) -> None:
        if self.left:
            self.left -= 1
            if not self.left:
                raise KilledError


_trap = _Trap()
event.listen(Engine, "before_cursor_execute", _trap)
event.listen(Engine, "commit", _trap)


class Watched(list[Published]):
    """What a server keeps; each new status is judged the moment it becomes visible."""

    def __init__(self, machine: Deliveries, account: str) -> None:
        super().__init__()
        self._machine, self._account = machine, account

    def append(self, one: Published) -> None:
        super().append(one)
        self._machine.judge(self._account, one)


class Deliveries(RuleBasedStateMachine):
    """Editors, approvers, operators, crashes, restores and bad networks, in any order."""

    template: Path

    @initialize()
    def build_context(self) -> None:
        self.wrong: list[str] = []
        #: What was claimed as a second worker came in the middle of its call.
        self.intruded_on: set[str] = set()
        self.folder = Path(tempfile.mkdtemp(prefix="verbatim-machine-", dir=FAST))
        self.bot = RunningBot(self.folder, copied_database(self.template, self.folder / "data"))
        self.budget(0)
        for name in ON:
            self.bot.servers[name] = Server(live=Watched(self, name))
        self.posts: dict[str, str] = {}
        self.backups = 0
        self.bot.start()

    def judge(self, account: str, one: Published) -> None:
        """Hold a status that has just become visible against every rule."""
        _trap.left, left = 0, _trap.left
        row = self.bot.store.outbox.get(one.key)
        now = self.bot.clock.now()
        if row is None:
            self.wrong.append(f"{one.text}: nobody planned it")
            return
        by = {each.by for each in self.bot.store.approvals.standing(fingerprint=row.fingerprint)}
        checks = {
            "not claimed": row.state is State.SENDING or self.was_intruded_on(row),
            "other words than planned": one.text == row.status.text,
            "early": bool(row.released_by) or bool(row.due_at and row.due_at <= now),
            "late": bool(row.released_by) or bool(row.not_after and now <= row.not_after),
            "unapproved": len(by - {"Ed"}) >= 2,
            "paused": self.bot.store.pauses.current() is None,
            "over budget": account != "x" or self.spent() <= self.limit() + 1e-9,
            "while settling": self.bot.store.restore_guard.reason() is None,
        }
        self.wrong += [f"{one.text} on {account}: {what}" for what, ok in checks.items() if not ok]
        self.intruded_on.clear()  # the call that it came into
        _trap.left = left

    def was_intruded_on(self, row: Delivery) -> bool:
        """Return whether it was claimed until a second worker came, who lets the call end."""
        until = row.next_read_at
        is_left_alone = until is not None and self.bot.clock.now() < until
        return row.id in self.intruded_on and row.state is State.UNKNOWN and is_left_alone

    def spent(self) -> float:
        return self.bot.store.ledger.spent("x", month_of=self.bot.clock.now())

    def limit(self) -> float:
        accounts = self.bot.services.contents.campaign().schedule.accounts
        return accounts["x"].budget_usd_per_month or 0.0

    # What editors and approvers do

    @rule(name=st.sampled_from(NAMES), minutes=st.integers(2, 40))
    def write(self, name: str, minutes: int) -> None:
        at = (self.bot.clock.now() + minutes * MINUTE).replace(second=0)
        words = f"{WORDS[NAMES.index(name)]} ({name}, {self.bot.clock.now():%d %H %M})"
        self.posts.setdefault(name, post(name, at=at, words=words))
        self.take_up()

    @rule(name=st.sampled_from(NAMES), number=st.integers(0, 9))
    def edit(self, name: str, number: int) -> None:
        if name in self.posts:
            self.posts[name] = self.posts[name].replace(f"({name}", f"({name}{number}", 1)
            self.take_up()

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name: str) -> None:
        if self.posts.pop(name, None):
            self.take_up()

    def take_up(self) -> None:
        self.bot.write(*self.posts.values())
        with self.may_die():
            self.bot.watch()

    @rule(name=st.sampled_from(NAMES))
    def approve(self, name: str) -> None:
        with suppress(DecisionError), self.may_die():
            self.bot.approve(name)

    @rule(name=st.sampled_from(NAMES), who=st.sampled_from(("Ann", "Ed")))
    def approve_alone(self, name: str, who: str) -> None:
        with suppress(DecisionError), self.may_die():
            self.bot.approve(name, by=[who])

    @rule(more=st.integers(0, 2))
    def budget(self, more: int) -> None:
        limit = f"budget_usd_per_month: {BUDGET + more * 0.05:.2f}"
        x = ACCOUNTS["x"].replace("threads: true", limit)
        self.bot.use("m", "b", x=x)

    @rule()
    def pause(self) -> None:
        with suppress(DecisionError), self.may_die():
            self.bot.desk.pause("stop", by="Ann")

    @rule()
    def resume(self) -> None:
        with suppress(DecisionError), self.may_die():
            self.bot.desk.resume(by="Ann")

    # What time and machines do

    @rule(minutes=st.integers(0, 30))
    def tick(self, minutes: int) -> None:
        with self.may_die():
            self.bot.services.beat()
            self.bot.wait(self.bot.clock.now() + minutes * MINUTE)

    @rule(minutes=st.sampled_from((1, 14, 16, 90)))
    def sleep(self, minutes: int) -> None:
        """The machine is suspended; nobody works meanwhile."""
        self.bot.clock.advance(minutes * MINUTE)

    @rule(after=st.integers(1, 80))
    def crash_soon(self, after: int) -> None:
        _trap.left = after

    @rule(account=st.sampled_from(ON), keeps=st.booleans())
    def crash_in_the_next_call(self, account: str, keeps: bool) -> None:
        self.bot.servers[account].steps.append(PublishCall(KilledError(), keeps))  # type: ignore[arg-type] # ends the process, is no answer

    @rule()
    def restart(self) -> None:
        _trap.left = 0
        self.bot.restart()

    @rule()
    def back_up(self) -> None:
        _trap.left = 0
        self.backups += 1
        self.bot.store.backup(self.folder / f"backup-{self.backups}.db")

    @precondition(lambda self: self.backups)
    @rule(back=st.integers(0, 2))
    def bring_back(self, back: int) -> None:
        _trap.left = 0
        number = max(1, self.backups - back)
        lock = lock_beside(self.bot.store.outbox._log.path)
        self.bot.stop()
        restore(
            self.folder / f"backup-{number}.db", self.folder / "data" / "live.db",
            lock=lock, now=self.bot.clock.now(),
        )  # fmt: skip
        self.bot.clock.advance(timedelta(seconds=1))  # what was put aside is named by the second
        self.bot.start()

    @rule(account=st.sampled_from(ON))
    def second_worker_in_the_next_call(self, account: str) -> None:
        """Another process, that should not be there, works on the same account meanwhile."""

        def meanwhile() -> None:
            _trap.left, left = 0, _trap.left
            self.intruded_on = {row.id for row in self.bot.rows("", State.SENDING)}
            other = self.bot.build()
            other.contents.start()
            other.work_account(account)
            other.close()
            _trap.left = left

        self.bot.servers[account].steps.append(PublishCall(meanwhile=meanwhile))

    # What networks do

    @rule(account=st.sampled_from(ON), keeps=st.booleans())
    def lose_the_next_answer(self, account: str, keeps: bool) -> None:
        self.bot.servers[account].fails(UnconfirmedError("net", "silence"), keeps=keeps)

    @rule(account=st.sampled_from(ON), times=st.integers(1, 4))
    def be_down(self, account: str, times: int) -> None:
        server = self.bot.servers[account]
        for _ in range(times):
            server.unprepared.append(UnavailableError("net", "down"))
            server.unread.append(UnavailableError("net", "down"))

    @rule(account=st.sampled_from(ON))
    def revoke_for_one_call(self, account: str) -> None:
        self.bot.servers[account].fails(UnauthorizedError("net", "revoked"))

    def may_die(self) -> Any:
        return _restarting(self.bot)

    # What must be so

    @invariant()
    def nothing_is_wrong(self) -> None:
        assert self.wrong == []
        for account in ON:
            times = Counter(one.key for one in self.bot.servers[account].live)
            assert all(count == 1 for count in times.values()), f"twice on {account}: {times}"

    def teardown(self) -> None:
        try:
            _trap.left = 0
            self.heal()
            self.nothing_is_wrong()
            for row in self.bot.rows():
                live = [one.key for one in self.bot.servers[row.account].live]
                settled = {State.SENT: 1}.get(row.state)
                assert row.state in {State.SENT, State.HELD, State.FAILED}, f"left {row.state}"
                assert settled is None or live.count(row.id) == settled, f"{row.id}: not there"
                assert row.state is not State.HELD or row.reason, "held without a reason"
        finally:
            self.bot.stop()
            # Not rmtree: it opens "data" in its folder, which looks like ours to the guard.
            for path in sorted(self.folder.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            self.folder.rmdir()

    def heal(self) -> None:
        """Let all faults end, and all that was waiting come to rest."""
        for account in ON:
            server = self.bot.servers[account]
            server.steps.clear()
            server.unread.clear()
            server.unprepared.clear()
        self.bot.restart()
        for _ in range(4):
            self.bot.services.beat()
            self.bot.wait(self.bot.clock.now() + timedelta(hours=2))


class _restarting:  # noqa: N801 - a context manager reads like a word
    """Runs what may be killed; then the bot is started again, as its supervisor would."""

    def __init__(self, bot: RunningBot) -> None:
        self._bot = bot

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> bool:
        if kind is None or not issubclass(kind, KilledError):
            return False
        _trap.left = 0
        self._bot.restart()
        return True


@pytest.fixture
def machine(migrated_file: Path) -> Iterator[type[Deliveries]]:
    class Furnished(Deliveries):
        template = migrated_file

    yield Furnished
    _trap.left = 0


_USUAL = settings(
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
)


@pytest.mark.parametrize("examples", [12, pytest.param(13, marks=pytest.mark.deep)])
def test_nothing_is_sent_twice_lost_or_sent_against_the_rules(
    machine: type[Deliveries], examples: int
) -> None:
    run_state_machine_as_test(
        machine, settings=settings(_USUAL, max_examples=examples, stateful_step_count=30)
    )


def test_a_call_that_is_taken_over_is_judged_by_who_took_it(machine: type[Deliveries]) -> None:
    """What the long run found: it is wrong just where nobody else was there to take it over."""
    found = []
    for has_second_worker in (True, False):
        state = machine()
        state.build_context()
        state.write(minutes=2, name="p0")
        state.approve(name="p0")
        if has_second_worker:
            state.second_worker_in_the_next_call(account="m")
        else:
            state.bot.servers["m"].steps.append(PublishCall(meanwhile=partial(_leave, state)))
        state.tick(minutes=2)
        found.append([one.partition(": ")[2] for one in state.wrong])
        state.wrong.clear()
        state.teardown()

    assert found == [[], ["not claimed"]]


def _leave(state: Deliveries) -> None:
    state.bot.store.outbox.take_over("m", now=state.bot.clock.now())


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("number", [1, 2])
def test_the_same_over_a_thousand_runs(machine: type[Deliveries], number: int) -> None:
    run_state_machine_as_test(
        seed(number)(machine), settings=settings(_USUAL, max_examples=1000, stateful_step_count=60)
    )
