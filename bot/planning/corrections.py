"""Taking back and correcting what is out; never edited silently, always in the log."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta

from bot.authority.audit import AuditRow
from bot.checks.rules import check
from bot.checks.wording import flaws_of
from bot.content.model import Post, Variant
from bot.content.values import no_such
from bot.delivery.lifecycle import IN_DOUBT, OUT
from bot.delivery.model import Correction, Delivery, NewPublication, State
from bot.errors import DecisionError, Severity
from bot.planning.diff import named, new_publication
from bot.planning.removals import Removal, Removals
from bot.planning.store import Store
from bot.rendering.rendered import RenderedCampaign, render_campaign

#: A correction that nobody approved within this is held as late, too.
PATIENCE = timedelta(days=1)
#: Beginning of the id of a post that goes out again elsewhere.
REPUBLICATION = "republication-"


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


class Corrections(Removals):
    """Retract and correct; both spend network calls, and both are one audit row."""

    def retract(self, post_id: str, *, by: str, why: str) -> tuple[Removal, ...]:
        """Delete every status of a post on every network; the answer says what is left.

        It is empty where another post was taken down within a day: then the wish is written down,
        and somebody else retracts the post too, which deletes it.

        Raises:
            DecisionError: nothing of it is out, readers may not see the reason, or sending is
                paused.
        """
        self._require_public(why)
        rows = self.store.outbox.find(post_id=post_id)
        if not any(row.state in {State.SENT} | IN_DOUBT for row in rows):
            raise DecisionError(f"{post_id}: nothing of it is out")
        if not self._begin(post_id, by=by, why=why):
            return ()
        outcomes = self._take_down_all(rows, by=by, why=why)
        self._write(by, "retract", post_id, why, {"outcomes": [*map(asdict, outcomes)]})
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
        self._require_public(why)
        _require(text, "say what is right")
        rows = [row for row in self.store.outbox.find(post_id=post_id) if row.state in OUT]
        if not rows:
            raise DecisionError(f"{post_id}: nothing of it is out, so nothing can be corrected")
        post = self._post(post_id, text.strip(), rows, by)
        rendered = self._rendered(post)
        if delete_original and not self._begin(post_id, by=by, why=why):
            raise DecisionError(
                f"{post_id}: another post was deleted within a day, so somebody else must retract"
                " this one too; correct it without deleting, or after that"
            )
        outcomes = self._take_down_all(rows, by=by, why=why) if delete_original else ()
        planned = self._planned(post, rendered, () if delete_original else rows)
        self.store.outbox.add(*planned, now=self.clock.now())
        detail = {
            "correction": post.id,
            "text": post.text,
            "accounts": sorted(new.publication.account for new in planned),
            "outcomes": [*map(asdict, outcomes)],
        }
        self._write(by, "correct", post_id, why, detail)
        return self.store.outbox.find(post_id=post.id)

    def republish(
        self, post_id: str, accounts: Sequence[str], *, by: str, why: str
    ) -> tuple[Delivery, ...]:
        """Put what others took down before the approvers once more, now, for other accounts.

        Raises:
            DecisionError: nobody took it down, no reason is given, or readers there have it, or
                will: it is or was out there, is planned there, or is on their platform.
        """
        _require(why, "say why it goes out again; the log shows it")
        now, before = self.clock.now(), self.store.audit.about(post_id, "republish")
        post, possible = self.rendered().campaign.post(post_id), self.elsewhere(post_id)
        if post is None or possible is None:
            raise DecisionError(f"{post_id}: the files have no such post that others took down")
        accounts = tuple(dict.fromkeys(accounts))
        if not accounts:
            raise DecisionError("say for which accounts")
        known = self.rendered().campaign.schedule.accounts
        for name in accounts:
            if name not in known:
                raise DecisionError(no_such("account", name, known))
            if name not in possible:
                raise DecisionError(f"{name}: its readers have it already, or will")
        id_ = f"{REPUBLICATION}{1 + len(before)}-of-{post_id}"
        again = replace(
            post, id=id_, at=now, queue="", every_year=None, accounts=accounts, not_after=PATIENCE
        )
        self.store.outbox.add(*self._planned(again, self._rendered(again), ()), now=now)
        self._write(by, "republish", post_id, why, {"as": again.id, "accounts": [*accounts]})
        return self.store.outbox.find(post_id=again.id)

    def elsewhere(self, post_id: str) -> tuple[str, ...] | None:
        """Return for which accounts a post may be republished; None where nobody took it down."""
        before = self.store.audit.about(post_id, "republish")
        ids = post_id, *(str(row.detail["as"]) for row in before)
        rows = [row for known_as in ids for row in self.store.outbox.find(post_id=known_as)]
        campaign = self.rendered().campaign
        post, known = campaign.post(post_id), campaign.schedule.accounts
        if post is None or not any(row.state is State.GONE for row in rows):
            return None
        kept = [row for row in rows if row.state is not State.CANCELLED]
        carried = {row.account for row in kept}
        live = {row.platform for row in kept if row.state not in {State.RETRACTED, State.GONE}}
        if post.at is None or post.at > self.clock.now():
            carried |= {*post.accounts}  # planning puts it there, if not yet then later
        return tuple(
            name for name, account in known.items()
            if name not in carried and account.platform not in live
        )  # fmt: skip

    def listed(self) -> tuple[PublicCorrection, ...]:
        return public_corrections(self.store)

    def _post(self, post_id: str, text: str, rows: list[Delivery], by: str) -> Post:
        rendered = self.rendered()
        zone, accounts = rendered.campaign.zone, rendered.campaign.schedule.accounts
        sent = min(row.sent_at or row.updated_at for row in rows).astimezone(zone).date()
        today = self.clock.now().astimezone(zone).date()
        number = 1 + len(self.store.audit.about(post_id, "correct"))
        carried = {row.account for row in rows}
        return Post(
            id=f"correction-{number}-of-{post_id}",
            text=f"Correction ({_written(today)}) to our post of {_written(sent)}: {text}",
            at=self.clock.now(),
            accounts=tuple(name for name in accounts if name in carried),
            lang="en",
            # What is paused of a theme is also what corrects it.
            theme=rows[-1].publication.theme,
            author=by,
            not_after=PATIENCE,
            # Those reply to it, and quote it, who may do so with what it corrects.
            variants={
                row.account: Variant(replies=row.status.replies or None,
                                     quotes=row.status.quotes or None)
                for row in rows if row.part == 0
            },
        )  # fmt: skip

    def _rendered(self, post: Post) -> RenderedCampaign:
        """Render the correction as any post, held to the same rules."""
        whole = self.rendered()
        # Alone: it may well resemble the post that it corrects.
        alone = render_campaign(
            replace(whole.campaign, posts=(post,)), specs=whole.specs, limits=whole.limits
        )
        found = check(alone, now=self.clock.now())
        wrong = [problem.message for problem in found if problem.severity is Severity.ERROR]
        if wrong:
            raise DecisionError("; ".join(dict.fromkeys(wrong)))
        return alone

    def _planned(
        self, post: Post, rendered: RenderedCampaign, rows: Iterable[Delivery]
    ) -> list[NewPublication]:
        """Put it where the post went, as a reply to the newest thread's last part that is live."""
        live = [row for row in rows if row.state is State.SENT]
        live.sort(key=lambda row: (row.sent_at or row.updated_at, row.part))
        parents = {row.account: row.id for row in live}
        planned = []
        for text in rendered.texts_of(post):
            account = text.account.name
            # Where threads need leave, a program may not reply freely either.
            may_reply = not rendered.spec_of(account).thread_key
            new = new_publication(
                post, account, rendered, occurrence=Correction(post.id), due_at=self.clock.now(),
                reply_to=parents.get(account) if may_reply else None,
            )  # fmt: skip
            planned.append(named(new, rendered.campaign.schedule.campaign, 1))
        return planned

    def _require_public(self, why: str) -> None:
        """Hold a reason, which readers see in the list of corrections, to the rules of a post."""
        _require(why, "say what was wrong; the list of corrections shows it")
        if wrong := flaws_of(why, self.rendered().campaign):
            raise DecisionError(f"readers see the reason: {'; '.join(wrong)}")

    def _write(
        self, by: str, verb: str, subject: str, why: str, detail: Mapping[str, object]
    ) -> None:
        self.store.audit.write(by, verb, subject, why=why, detail=detail, now=self.clock.now())


def _require(text: str, advice: str) -> None:
    if not text.strip():
        raise DecisionError(advice)


def _written(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def public_corrections(
    store: Store, *, since: datetime | None = None
) -> tuple[PublicCorrection, ...]:
    """List what was corrected and retracted since then, newest first."""
    rows = store.audit.rows(since=since)
    return tuple(_entry(store, row) for row in rows if row.verb in {"correct", "retract"})


def _entry(store: Store, row: AuditRow) -> PublicCorrection:
    outcomes = [Removal(**stored) for stored in row.detail.get("outcomes", ())]
    correction = str(row.detail.get("correction", ""))
    sent = store.outbox.find(post_id=correction, states=OUT) if correction else ()
    gone = tuple(outcome.url for outcome in outcomes if outcome.deleted and outcome.url)
    return PublicCorrection(
        at=row.at,
        kind="correction" if correction else "retraction",
        post=row.subject,
        why=row.why,
        text=str(row.detail.get("text", "")),
        addresses=tuple(row.url for row in sent if row.url) if correction else gone,
        remaining=tuple(
            f"{outcome.url or outcome.account}: {outcome.told}"
            for outcome in outcomes
            if not outcome.deleted
        ),
    )
