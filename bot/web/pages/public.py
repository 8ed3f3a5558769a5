"""What people outside see: corrections, whether a text is ours, and what partners may post."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from bot.content.model import Campaign
from bot.errors import ContentError, DecisionError
from bot.planning.corrections import PublicCorrection
from bot.platforms.spec import PlatformSpec
from bot.public.kit import NO_CHANGE, KitPassage, deal, partner_zip, passages_of, released, slug
from bot.public.record import record_of
from bot.public.verifying import RecordVerifier
from bot.web.rendering import difference, environment, titles
from bot.web.request import Answer, Page, Raw, RefusedRequestError, RequestContext

#: Characters of all partners' names.
MOST = 2000


def corrections(request: RequestContext) -> Answer:
    entries, posts = request.context.corrections.listed(), titles(request.context.campaign)
    return Page("corrections.html", {"entries": entries, "posts": posts})


def as_json(request: RequestContext) -> Answer:
    entries = [
        {**asdict(entry), "at": entry.at.isoformat()}
        for entry in request.context.corrections.listed()
    ]
    content = {"campaign": request.context.campaign.schedule.campaign, "corrections": entries}
    text = json.dumps(content, ensure_ascii=False, indent=2)
    return Raw(text.encode(), "application/json")


def public_page(
    entries: Sequence[PublicCorrection], campaign: Campaign, specs: Mapping[str, PlatformSpec]
) -> str:
    template = environment(specs).get_template("corrections_public.html")
    return template.render(entries=entries, campaign=campaign.schedule.campaign, zone=campaign.zone)


def ask(request: RequestContext) -> Answer:
    text = request.query_value("text")
    return Page("verify.html", {"text": text, "found": None, "differences": ()})


def verify(request: RequestContext) -> Answer:
    """Answer for a text as it was sent: unseen signs are what a forgery may be made with."""
    text, context = "".join(request.form.getlist("text")[:1]), request.context
    campaign, entries = context.campaign, context.corrections.listed()
    now = context.clock.now()
    record = record_of(context.store, campaign, entries, now, with_every_source=True)
    found = RecordVerifier(record).verify(text)
    differences = difference(found.right, found.compared) if found.compared else ()
    return Page("verify.html", {"text": text, "found": found, "differences": differences})


def kit(request: RequestContext) -> Answer:
    """Show what is released, and once partners are named, which of them gets which passages."""
    names = request.form_value("partners", most=MOST, default="")
    values = {
        "passages": _passages(request),
        "partners": names,
        "kits": _dealt(request, names) if names.strip() else {},
        "no_change": NO_CHANGE,
    }
    return Page("kit.html", values)


def download(request: RequestContext) -> Answer:
    """Return one partner's zip; the same names in the same order give the same kits."""
    names = request.form_value("partners", most=MOST)
    partner, context = request.form_value("partner"), request.context
    kits = _dealt(request, names)
    if partner not in kits:
        raise RefusedRequestError(400, "no such partner")
    content = partner_zip(partner, kits[partner], context.campaign)
    detail = {partner: [each.post.id for each in kits[partner]]}
    now = context.clock.now()
    context.store.audit.write(request.who.name, "kit", "partners", detail=detail, now=now)
    return Raw(content, "application/zip", filename=f"{slug(partner)}.zip")


def _passages(request: RequestContext) -> tuple[KitPassage, ...]:
    context = request.context
    whole = context.rendered()
    try:
        return passages_of(whole, released(whole, context.store), context.clock.now())
    except ContentError as error:
        raise DecisionError("; ".join(map(str, error.problems))) from error


def _dealt(request: RequestContext, names: str) -> dict[str, list[KitPassage]]:
    partners = [" ".join(name.split()) for name in names.split("\n") if name.strip()]
    similarity = request.context.campaign.schedule.similarity
    return deal(_passages(request), partners, similarity)
