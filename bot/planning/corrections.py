"""Taking back and correcting what is out; never edited silently, always in the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta

from bot.authority.audit import AuditRow
from bot.checks.rules import check
from bot.clock import Clock
from bot.content.model import Post
from bot.delivery.lifecycle import Event
from bot.delivery.model import Delivery, State
from bot.delivery.publications import Correction, NewPublication
from bot.errors import BotError, DecisionError, Severity
from bot.planning.diff import named
from bot.planning.freeze import new_publication
from bot.planning.store import Store
from bot.platforms.base import Platform
from bot.platforms.status import Status
from bot.rendering.rendered import RenderedCampaign, fingerprint, render_campaign

#: A correction that nobody approved within this is held as late, too.
PATIENCE = timedelta(days=1)
_OUT = frozenset({State.SENT, State.RETRACTED, State.GONE})
_MAY_BE_OUT = frozenset({State.SENDING, State.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Removal:
    """What came of taking one status down."""

    delivery: str
    account: str
    url: str
    deleted: bool
    #: What happened, for people.
    told: str


@dataclass(frozen=True, slots=True)
class PublicCorrection:
    """One line of the public list of corrections; it names no person."""

    at: datetime
    #: ``correction`` or ``retraction``.
    kind: str
    post: str
    #: What was wrong.
    why: str
    #: What the correction says; empty for a retraction.
    text: str
    #: Where the correction stands, or what was taken down.
    addresses: tuple[str, ...]
    #: What could not be deleted, and why.
    remaining: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Corrections:
    """Retract and correct; both spend network calls, and both are one audit row."""

    store: Store
    clock: Clock
    rendered: Callable[[], RenderedCampaign]
    platform: Callable[[str], Platform]

    def retract(self, post_id: str, *, by: str, why: str) -> tuple[Removal, ...]:
        """Delete every status of a post on every network; the answer says what is left.

        Raises:
            DecisionError: nothing of it is out, or no reason is given.
        """
        _require(why, "say what was wrong; the list of corrections shows it")
        rows = self.store.outbox.find(post_id=post_id)
        if not any(row.state in {State.SENT} | _MAY_BE_OUT for row in rows):
            raise DecisionError(f"{post_id}: nothing of it is out")
        outcomes = self._taken_down(rows, by, why)
        self._write(by, "retract", post_id, why, {"outcomes": [asdict(one) for one in outcomes]})
        return outcomes

    def correct(
        self, post_id: str, text: str, *, by: str, why: str, delete_original: bool = False
    ) -> tuple[Delivery, ...]:
        """Put a dated correction, standing on its own, before the approvers.

        It goes where the post went: as a reply where the network lets programs reply and the
        original stays. It needs the same approvals as any post; its author is ``by``.

        Raises:
            DecisionError: nothing of it is out, or the correction breaks a rule of the campaign.
        """
        _require(why, "say what was wrong; the list of corrections shows it")
        _require(text, "say what is right")
        rows = [row for row in self.store.outbox.find(post_id=post_id) if row.state in _OUT]
        if not rows:
            raise DecisionError(f"{post_id}: nothing of it is out, so nothing can be corrected")
        post = self._post(post_id, text.strip(), rows, by)
        statuses = self._statuses(post)
        outcomes = self._taken_down(rows, by, why) if delete_original else ()
        planned = self._planned(post, statuses, {} if delete_original else _last_parts(rows))
        self.store.outbox.add(*planned, now=self.clock.now())
        detail = {
            "correction": post.id,
            "text": post.text,
            "accounts": sorted(statuses),
            "outcomes": [asdict(one) for one in outcomes],
        }
        self._write(by, "correct", post_id, why, detail)
        return self.store.outbox.find(post_id=post.id)

    def listed(self) -> tuple[PublicCorrection, ...]:
        """List what was corrected and retracted, newest first."""
        rows = self.store.audit.rows()
        return tuple(self._entry(row) for row in rows if row.verb in {"correct", "retract"})

    def _entry(self, row: AuditRow) -> PublicCorrection:
        outcomes = [Removal(**one) for one in row.detail.get("outcomes", ())]
        correction = str(row.detail.get("correction", ""))
        sent = self.store.outbox.find(post_id=correction, states=_OUT) if correction else ()
        gone = [one.url for one in outcomes if one.deleted and one.url]
        return PublicCorrection(
            at=row.at,
            kind="correction" if correction else "retraction",
            post=row.subject,
            why=row.why,
            text=str(row.detail.get("text", "")),
            addresses=tuple([one.url for one in sent if one.url] if correction else gone),
            remaining=tuple(
                f"{one.url or one.account}: {one.told}" for one in outcomes if not one.deleted
            ),
        )

    def _taken_down(self, rows: Iterable[Delivery], by: str, why: str) -> tuple[Removal, ...]:
        """Delete the last part of a thread first, so that no reply hangs in the air."""
        wanted = [row for row in rows if row.state in {State.SENT} | _MAY_BE_OUT]
        ordered = sorted(wanted, key=lambda row: (row.account, row.publication.id, -row.part))
        return tuple(self._take_down(row, by, why) for row in ordered)

    def _take_down(self, row: Delivery, by: str, why: str) -> Removal:
        if row.state in _MAY_BE_OUT:
            told = f"it is {row.state}: not settled whether it is out; retract it again later"
            return Removal(row.id, row.account, row.url, False, told)
        try:
            was_there = self.platform(row.account).delete(row.ref)
        except KeyError:
            return Removal(
                row.id, row.account, row.url, False, "the account is not in use any more"
            )
        except BotError as error:
            return Removal(row.id, row.account, row.url, False, str(error))
        told = "deleted" if was_there else "was gone already"
        now = self.clock.now()
        self.store.outbox.move(row.id, Event.RETRACT, now=now, actor=by, detail=why, evidence=told)
        return Removal(row.id, row.account, row.url, True, told)

    def _post(self, post_id: str, text: str, rows: list[Delivery], by: str) -> Post:
        rendered = self.rendered()
        zone, accounts = rendered.campaign.zone, rendered.campaign.schedule.accounts
        sent = min(row.sent_at or row.updated_at for row in rows).astimezone(zone).date()
        today = self.clock.now().astimezone(zone).date()
        number = 1 + sum(one.kind == "correction" for one in self.listed() if one.post == post_id)
        carried = {row.account for row in rows}
        return Post(
            id=f"correction-{number}-of-{post_id}",
            text=f"Correction ({_written(today)}) to our post of {_written(sent)}: {text}",
            at=self.clock.now(),
            accounts=tuple(name for name in accounts if name in carried),
            lang="en",
            author=by,
        )

    def _statuses(self, post: Post) -> Mapping[str, tuple[Status, ...]]:
        """Render the correction as any post, held to the same rules."""
        whole = self.rendered()
        # Alone: it may well resemble the post that it corrects.
        alone = render_campaign(
            replace(whole.campaign, posts=(post,)), specs=whole.specs, limits=whole.limits
        )
        found = check(alone, now=self.clock.now())
        wrong = [one.message for one in found if one.severity is Severity.ERROR]
        if wrong:
            raise DecisionError("; ".join(dict.fromkeys(wrong)))
        return {text.account.name: text.statuses for text in alone.texts_of(post)}

    def _planned(
        self,
        post: Post,
        statuses: Mapping[str, tuple[Status, ...]],
        parents: Mapping[str, Delivery],
    ) -> list[NewPublication]:
        whole, now = self.rendered(), self.clock.now()
        bound = fingerprint(post, statuses, fixed_at=None)
        planned = []
        for account, parts in statuses.items():
            parent = parents.get(account)
            # Where threads need leave, a program may not reply freely either.
            may_reply = parent is not None and whole.spec_of(account).threads_freely
            new = new_publication(
                post, account, parts, occurrence=Correction(post.id), due_at=now,
                patience=PATIENCE, fingerprint=bound, rendered=whole,
                reply_to=parent.id if parent and may_reply else None,
            )  # fmt: skip
            planned.append(named(new, whole.campaign.schedule.campaign, 1))
        return planned

    def _write(
        self, by: str, verb: str, subject: str, why: str, detail: Mapping[str, object]
    ) -> None:
        self.store.audit.write(by, verb, subject, why=why, detail=detail, now=self.clock.now())


def _require(text: str, advice: str) -> None:
    if not text.strip():
        raise DecisionError(advice)


def _last_parts(rows: Iterable[Delivery]) -> dict[str, Delivery]:
    """Find, by account, the live status that a correction answers: the newest thread's last."""
    live = [row for row in rows if row.state is State.SENT]
    return {
        row.account: row
        for row in sorted(live, key=lambda row: (row.sent_at or row.updated_at, row.part))
    }


def _written(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
