"""Whether a text is ours: quoted exactly, published, altered, taken down, or nowhere."""

from bot.public.record import record_of
from bot.public.verifying import RecordVerifier
from bot.web.request import Answer, Page, RequestContext
from bot.web.words import difference


def page(request: RequestContext) -> Answer:
    values = {"text": request.query_value("text"), "found": None, "differences": ()}
    return Page("verify.html", values)


def verify(request: RequestContext) -> Answer:
    """Answer for a text as it was sent: unseen signs are what a forgery may be made with."""
    text, context = "".join(request.form.getlist("text")[:1]), request.context
    campaign, entries = context.campaign, context.corrections.listed()
    now = context.clock.now()
    record = record_of(context.store, campaign, entries, now, with_every_source=True)
    found = RecordVerifier(record).verify(text)
    differences = difference(found.right, found.compared) if found.compared else ()
    return Page("verify.html", {"text": text, "found": found, "differences": differences})
