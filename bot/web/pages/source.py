"""A whole source in its shape, with what a post quotes of it, and passages made into posts.

A post of a passage is proposed on a new branch of the campaign's repository.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from bot.authority.users import Right
from bot.content.branches import ProposedPost
from bot.content.excerpts import chosen, find_passage, unclear_lines
from bot.content.model import Source, Stretch
from bot.content.quoting import found_at
from bot.content.repository import RepositoryError
from bot.errors import DecisionError
from bot.planning import excerpts
from bot.rendering.blocks import BlockKind, ListEntry, blocks_of, sentences_of
from bot.rendering.layout import html_direction
from bot.rendering.translations import people_of, sides_of
from bot.web.rendering import Paragraph, looks_of, pieces_between
from bot.web.request import Answer, Page, Raw, RefusedRequestError, RequestContext

#: Characters of pasted words.
_MOST = 4000
#: What says which passage is asked for.
_ASKED = ("first", "last", "words", "original")


@dataclass(frozen=True, slots=True)
class BlockView:
    """A block of a source as it is shown: of each entry its sentences, each with its number."""

    kind: BlockKind
    #: ``rtl`` or ``ltr``.
    direction: str
    #: What stands between sentences has the number 0.
    entries: tuple[tuple[tuple[int, Paragraph], ...], ...]

    @property
    def has_quote(self) -> bool:
        return any(part.has_quote for entry in self.entries for _, part in entry)


@dataclass(frozen=True, slots=True)
class Picked:
    """What somebody chose of a source."""

    #: Numbers of the first and last sentence; 0 for pasted words.
    first: int = 0
    last: int = 0
    excerpt: excerpts.Excerpt | None = None
    #: Why it is no post.
    problems: tuple[str, ...] = ()


def page(request: RequestContext) -> Answer:
    context, source = request.context, _source(request)
    campaign = context.campaign
    of_source = [(each, {each.quote.source, each.quote.translates and each.quote.translates.source})
                 for each in campaign.posts if each.quote]  # fmt: skip
    quoting = [each for each, names in of_source if each.quote and each.quote.source == source.id]
    wanted = request.query_value("post")
    post = next((each for each in quoting if each.id == wanted), None)
    spans = post.quote.fragments if post and post.quote else ()
    picked = _picked(request, source)
    made = picked.excerpt if picked else None
    values = {
        "source": source,
        "post": post,
        "blocks": tuple(_views(source, spans)),
        "quoting": quoting,
        "original": campaign.sources.get(source.translation_of),
        "translations": [
            each for each in campaign.sources.values() if each.translation_of == source.id
        ],
        "people_of": people_of,
        "pairs": [
            (each, sides_of(each, campaign))
            for each, names in of_source
            if source.id in names and sides_of(each, campaign)
        ],
        "sides": sides_of(made.checked, campaign) if made else (),
        "may_propose": context.proposals is not None and request.who != context.guest(),
        "picked": picked,
        "made": made,
        "looks": looks_of(made.rendered, made.checked)
        if made and made.rendered and made.checked
        else [],
        "way": html_direction(made.post.text) if made else "",
        "asked": urlencode({name: value for name in _ASKED if (value := _words(request, name))}),
        "words": _words(request, "words"),
        "translated": _words(request, "original"),
        "most": _MOST,
    }
    return Page("source.html", values)


def download(request: RequestContext) -> Answer:
    made = _chosen_excerpt(request)
    return Raw(made.yaml.encode(), "application/yaml", filename=f"{made.post.id}.yaml")


def _chosen_excerpt(request: RequestContext) -> excerpts.Excerpt:
    """Return the post of the passage that is asked for; RefusedRequestError where there is none."""
    picked = _picked(request, _source(request))
    if picked is None or picked.excerpt is None:
        reason = picked.problems[0] if picked and picked.problems else "choose a passage first"
        raise RefusedRequestError(409, reason)
    return picked.excerpt


def propose(request: RequestContext) -> Answer:
    """Commit the post as the desk writes it, never a text from the form, and push its branch."""
    context, person = request.context, request.require_proved_user()
    branches, now = context.proposals, context.clock.now()
    if branches is None:
        raise RefusedRequestError(409, "posts are not proposed here; see VERBATIM_PROPOSALS")
    made = _chosen_excerpt(request)
    post = ProposedPost(made.post.id, made.file.encode(), person.name, now)
    sides = sides_of(made.checked, context.campaign)
    values = {"made": made, "post": post, "source": made.found.source, "sides": sides}
    try:
        head, files = branches.read()
        if post.file in files:
            raise DecisionError(f"{post.file} is in the repository already")
        whole = context.deskcheck.prove({**files, post.file: post.content}, post.file)
        if whole.errors:
            return Page("proposal.html", {**values, "problems": whole.errors}, 409)
        with branches.commit(post, head) as proposal:
            about = {
                "branch": proposal.branch, "commit": proposal.commit, "base": proposal.base,
                "file": post.file,
            }  # fmt: skip
            # Before the push: what is out there has its row, whatever ends this process.
            context.store.audit.write(person.name, "propose", post.id, detail=about, now=now)
            try:
                proposal.push()
            except (DecisionError, RepositoryError) as error:
                context.store.audit.write(
                    person.name, "propose-failed", post.id, why=str(error), now=context.clock.now()
                )
                raise
    except RepositoryError as error:
        raise DecisionError(str(error)) from error
    return Page("proposal.html", {**values, "about": about, "problems": ()})


def _words(request: RequestContext, name: str) -> str:
    return request.query_value(name, most=_MOST).replace("\r\n", "\n").strip()


def _source(request: RequestContext) -> Source:
    name = request.path_value("source")
    found = request.context.campaign.sources.get(name)
    if found is None:
        raise RefusedRequestError(404, f"no source is called {name}")
    return found


def _picked(request: RequestContext, source: Source) -> Picked | None:
    """Read which passage is asked for, and make a post of it; None where none is."""
    words = _words(request, "words")
    first, last = sorted((request.number("first", 0), request.number("last", 0)))
    first = first or last
    if not (words or first):
        return None
    request.require(Right.CHECK)
    if words:
        located, first, last = find_passage(words, [source]), 0, 0
        found = chosen(located)
        if found is None:
            return Picked(problems=tuple(unclear_lines(located, {source.id: source})))
    else:
        sentences = sentences_of(source)
        if last > len(sentences):
            raise RefusedRequestError(400, "there is no such sentence")
        found = found_at(source, sentences[first - 1][0], sentences[last - 1][1])
        if found.problem:
            return Picked(first, last, problems=(found.problem,))
    context = request.context
    try:
        made = excerpts.propose(
            found, words, desk=context.deskcheck,
            campaign=context.campaign, outbox=context.store.outbox, now=context.clock.now(),
            author="" if request.who == context.guest() else request.who.name,
            original=_words(request, "original"),
        )  # fmt: skip
    except DecisionError as error:
        return Picked(first, last, problems=(str(error),))
    return Picked(first, last, made)


def _views(source: Source, spans: tuple[Stretch, ...]) -> Iterator[BlockView]:
    numbers = {span: number for number, span in enumerate(sentences_of(source), 1)}
    for block in blocks_of(source):
        text = source.text[block.entries[0].start : block.entries[-1].end]
        entries = (tuple(_parts(source, entry, spans, numbers)) for entry in block.entries)
        yield BlockView(block.kind, html_direction(text), tuple(entries))


def _parts(
    source: Source, entry: ListEntry, spans: tuple[Stretch, ...], numbers: dict[Stretch, int]
) -> Iterator[tuple[int, Paragraph]]:
    at = entry.start
    for start, end in (*entry.sentences, (entry.end, entry.end)):
        yield 0, pieces_between(source.text, (at, start), spans)
        if end > start:
            yield numbers[start, end], pieces_between(source.text, (start, end), spans)
        at = end
