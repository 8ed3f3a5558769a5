"""The partner kit: what is released, and which partner posts which of it."""

from bot.errors import ContentError, DecisionError
from bot.public.kit import NO_CHANGE, KitPassage, deal, partner_zip, passages_of, released, slug
from bot.web.request import Answer, Page, Raw, RefusedRequestError, RequestContext

#: Characters of all names.
MOST = 2000


def page(request: RequestContext) -> Answer:
    return _shown(request, "")


def dealt(request: RequestContext) -> Answer:
    """Show which partner gets which passages."""
    return _shown(request, request.form_value("partners", most=MOST))


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


def _shown(request: RequestContext, names: str) -> Answer:
    values = {
        "passages": _passages(request),
        "partners": names,
        "kits": _dealt(request, names) if names.strip() else {},
        "no_change": NO_CHANGE,
    }
    return Page("kit.html", values)


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
