"""A passage of a source made into a post that passes `check`, with what an editor must know."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.checks.checking import NEW_FILE, CheckedContent, DeskCheck
from bot.content.excerpts import QuotingPost, file_of, propose_id
from bot.content.files import SCHEDULE
from bot.content.model import Campaign, Post, Source
from bot.content.quoting import OMISSION, Found, overlaps, prove
from bot.content.sources import SOURCES
from bot.content.zones import shown
from bot.delivery.lifecycle import UNSENT
from bot.delivery.model import State
from bot.delivery.reads import OutboxReads
from bot.errors import DecisionError, Problem, Severity
from bot.rendering.render import RenderedText
from bot.rendering.rendered import RenderedCampaign

#: Stands where nobody has said of what to warn.
_WARNING = "Content warning: graphic"
_WEEK = timedelta(days=7)
_AUTHOR = "your-pseudonym"


@dataclass(frozen=True, slots=True)
class EarlierPost:
    """A post that quotes some of the same words."""

    id: str
    #: It quotes the very same passage.
    is_same: bool
    #: Where it waits or is: its queue or time, and each delivery.
    places: tuple[str, ...]
    is_sent: bool


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A passage as a post, with what `check` says of it."""

    found: Found
    post: QuotingPost
    #: The same as `check` read it; None where that could not be.
    checked: Post | None
    rendered: RenderedCampaign | None
    #: By account: how it would be if it went there too.
    left_out: Mapping[str, str]
    problems: tuple[Problem, ...]
    earlier: tuple[EarlierPost, ...]

    @property
    def is_fine(self) -> bool:
        return not any(each.severity is Severity.ERROR for each in self.problems)

    @property
    def texts(self) -> tuple[RenderedText, ...]:
        if self.checked is None or self.rendered is None:
            return ()
        return self.rendered.texts_of(self.checked)

    @property
    def file(self) -> str:
        return file_of([self.post])

    @property
    def yaml(self) -> str:
        """A file with the post and, as comments, what an editor must know."""
        notes = (" ".join(f"# {note}".split()) for note in self.notes())
        return "\n".join([*notes, self.file])

    def notes(self) -> Iterator[str]:
        """Write a line on each: the place, counts, cut sentences, earlier posts, problems."""
        found = self.found
        place = f"{found.source}: characters {found.start} to {found.end}"
        yield f"{place}{', ' if found.section else ''}{found.section}"
        if found.cut_before:
            yield "begins within a sentence; … is set before it"
        if found.cut_after:
            yield "ends within a sentence; … is set after it"
        if self.post.warning == _WARNING:
            yield "graphic by its source: say in `warning:` what readers are warned of"
        for text in self.texts:
            counts = " and ".join(map(str, text.lengths))
            yield f"{text.account.name}: {counts} of {text.max_length}"
        for name, why in self.left_out.items():
            yield f"{name} is left out: {why}"
        for post in self.earlier:
            what = "the same passage" if post.is_same else "words of it"
            yield f"{post.id} quotes {what}: {', '.join(post.places)}"
        if not self.earlier:
            yield "no post quotes it yet, and none did"
        yield from (f"{each.severity}: {each.message} [{each.rule}]" for each in self.problems)


def propose(
    found: Found,
    words: str,
    *,
    desk: DeskCheck,
    campaign: Campaign,
    outbox: OutboxReads | None,
    now: datetime,
    author: str = "",
    original: str = "",
) -> Excerpt:
    """Return a post that quotes a passage, for the accounts that it fits.

    What does not fit is first made a thread. Of several accounts of a platform the first is taken:
    one text never goes out from two.

    Args:
        words: By which it was found: those with an omission are the quotation themselves.

    Raises:
        DecisionError: a translation without the words that it translates.
    """
    source, words = campaign.sources[found.source], words.strip()
    passage = source.text[found.start : found.end]
    text = words if OMISSION in words and words not in passage else passage
    if source.translation_of and not original:
        raise DecisionError(
            f"{source.id!r} is a translation of {source.translation_of!r}: "
            "give the words that it translates too (--original)"
        )
    passages = dict(outbox.quoting(source.id)) if outbox else {}
    # An id is a post's for ever, in a file or not.
    taken = {*passages, *(post.id for post in campaign.posts)}
    first = QuotingPost(
        propose_id(text, source.id, taken), source.id, text, _when(source, campaign, now),
        author or _AUTHOR, original, link=source.id if source.address else "",
    )  # fmt: skip
    quote = prove(text, source).quote
    spans = quote.fragments if quote else ((found.start, found.end),)
    post, left_out = fitted(first, desk, campaign, spans)
    result = desk.check(NEW_FILE, file_of([post]))
    whole = result.readable
    own = [each for each in result.problems if each.file == NEW_FILE]
    others = (each for each in result.problems if each.file != NEW_FILE)
    problems = (*own, *(each for each in others if post.id in each.message))
    checked = whole.campaign.post(post.id) if whole else None
    earlier = tuple(_earlier(found, campaign, outbox, passages))
    return Excerpt(found, post, checked, whole, left_out, problems, earlier)


def _when(source: Source, campaign: Campaign, now: datetime) -> tuple[str, str]:
    """Return the queue of most posts that quote the source, or the first; else a day in a week."""
    queues = list(campaign.schedule.queues)
    used = [post.queue for post in campaign.posts if post.quote and post.quote.source == source.id]
    if queues:
        return "queue", max(queues, key=used.count)
    return "at", f"{(now + _WEEK).astimezone(campaign.zone):%Y-%m-%d} 09:00"


def fitted(
    post: QuotingPost, desk: DeskCheck, campaign: Campaign, spans: Sequence[tuple[int, int]]
) -> tuple[QuotingPost, dict[str, str]]:
    """Return a post with a warning, thread and accounts as needed, and who is left out.

    What it must say besides is found by the rules of `check` themselves; ``spans`` is what it
    quotes.
    """
    content = _checked(post, desk)
    if any(each.rule == "warning-missing" for each in content.problems):
        post = _warned(post, campaign, spans)
        content = _checked(post, desk)
    texts = _texts(content, post)
    if any(each.problems for each in texts.values()):
        threaded = replace(post, thread=True)
        others = _texts(_checked(threaded, desk), threaded)
        if _count_fitting(others) > _count_fitting(texts):
            post, texts = threaded, others
    kept: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for name, text in texts.items():
        other = kept.get(text.account.platform)
        if text.statuses and other is None:
            kept[text.account.platform] = name
        elif text.statuses:
            left_out[name] = f"{other} says it on the same platform already"
        elif text.skipped or not text.lengths:
            left_out[name] = text.why_not
        else:
            left_out[name] = f"{max(text.lengths)} of {text.max_length} characters"
    accounts = tuple(kept.values()) if left_out and kept else ()
    there = {*kept, *kept.values()} if kept else {*texts}
    warnings = {name: text for name, text in post.warnings.items() if name in there}
    return replace(post, accounts=accounts, warnings=warnings), left_out if kept else {}


def _checked(post: QuotingPost, desk: DeskCheck) -> CheckedContent:
    """Check a post alone, with the schedule and the sources: other posts take their time."""
    files = {
        name: content
        for name, content in desk.files().items()
        if name == SCHEDULE or name.startswith(f"{SOURCES}/")
    }
    return desk.prove({**files, NEW_FILE: file_of([post]).encode()}, NEW_FILE)


def _warned(post: QuotingPost, campaign: Campaign, spans: Sequence[tuple[int, int]]) -> QuotingPost:
    """Add the warnings of a post that quotes some of the same words, if there is one."""
    for other in campaign.posts:
        quote = other.quote
        is_near = quote and quote.source == post.source and any(
            overlaps(span, spans) for span in quote.fragments
        )  # fmt: skip
        if is_near and other.warning:
            own = {name: variant.warning for name, variant in other.variants.items()}
            warnings = {name: text for name, text in own.items() if text}
            return replace(post, warning=other.warning, warnings=warnings)
    return replace(post, warning=_WARNING)


def _count_fitting(texts: Mapping[str, RenderedText]) -> int:
    return sum(bool(text.statuses) for text in texts.values())


def _texts(content: CheckedContent, post: QuotingPost) -> dict[str, RenderedText]:
    whole = content.readable
    read = whole.campaign.post(post.id) if whole else None
    return {text.account.name: text for text in whole.texts_of(read)} if whole and read else {}


def _earlier(
    found: Found, campaign: Campaign, outbox: OutboxReads | None, planned: Mapping[str, str]
) -> Iterator[EarlierPost]:
    """Find the posts that quote some of the same words: in the files, or once planned."""
    written = {
        post.id: f"{post.quote.source}:{post.quote.fragments[0][0]}-{post.quote.fragments[-1][1]}"
        for post in campaign.posts
        if post.quote and post.quote.source == found.source
    }
    for post_id, passage in sorted({**planned, **written}.items()):
        start, _, end = passage.rpartition(":")[2].partition("-")
        if overlaps((found.start, found.end), [(int(start), int(end))]):
            is_same = (found.start, found.end) == (int(start), int(end))
            yield _earlier_post(post_id, campaign, outbox, is_same=is_same)


def _earlier_post(
    post_id: str, campaign: Campaign, outbox: OutboxReads | None, *, is_same: bool
) -> EarlierPost:
    post, zone = campaign.post(post_id), campaign.zone
    rows = outbox.find(post_id=post_id) if outbox else ()
    sent = [row for row in rows if row.state is State.SENT and row.sent_at and not row.part]
    places = [f"sent on {row.account} {shown(row.sent_at, zone)}" for row in sent if row.sent_at]
    waiting = {row.account for row in rows if row.state in UNSENT}
    places += [f"planned on {name}" for name in sorted(waiting)]
    if post is None:
        places.append("in no file any more")
    elif not post.ready:
        places.append("a draft")
    elif not rows:
        places.append(f"in the queue {post.queue}" if post.queue else "at a fixed time")
    return EarlierPost(post_id, is_same, tuple(places), bool(sent))
