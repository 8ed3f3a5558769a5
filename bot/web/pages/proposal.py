"""A post of a passage, proposed on a new branch of the campaign's repository."""

from bot.content.branches import ProposedPost
from bot.content.repository import RepositoryError
from bot.errors import DecisionError
from bot.rendering.translations import sides_of
from bot.web.pages.source import chosen_excerpt
from bot.web.request import Answer, Page, RefusedRequestError, RequestContext


def propose(request: RequestContext) -> Answer:
    """Commit the post as the desk writes it, never a text from the form, and push its branch."""
    context, person = request.context, request.require_proved_user()
    branches, now = context.proposals, context.clock.now()
    if branches is None:
        raise RefusedRequestError(409, "posts are not proposed here; see VERBATIM_PROPOSALS")
    made = chosen_excerpt(request)
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
