"""A whole source, with what a post quotes of it marked."""

from __future__ import annotations

from bot.web.request import Answer, Page, RefusedRequestError, RequestContext
from bot.web.words import passage_in


def page(request: RequestContext) -> Answer:
    context, name = request.context, request.path_value("source")
    found = context.campaign.sources.get(name)
    if found is None:
        raise RefusedRequestError(404, f"no source is called {name}")
    quoting = [post for post in context.campaign.posts if post.quote and post.quote.source == name]
    wanted = request.query_value("post")
    post = next((post for post in quoting if post.id == wanted), None)
    spans = post.quote.fragments if post and post.quote else ()
    values = {
        "source": found,
        "post": post,
        "paragraphs": passage_in(found.text, spans, around=None),
        "quoting": quoting,
    }
    return Page("source.html", values)
