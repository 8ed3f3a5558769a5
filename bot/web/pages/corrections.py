"""The public list of corrections and retractions; it names no person."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from bot.content.model import Campaign
from bot.planning.corrections import PublicCorrection
from bot.platforms.spec import PlatformSpec
from bot.web.rendering import environment
from bot.web.request import Answer, Page, Raw, RequestContext
from bot.web.words import titles


def page(request: RequestContext) -> Answer:
    entries, posts = request.context.corrections.listed(), titles(request.context.campaign)
    return Page("corrections.html", {"entries": entries, "posts": posts})


def as_json(request: RequestContext) -> Answer:
    """Return the list to other programs."""
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
    """Return the list as a page that can be published."""
    template = environment(specs).get_template("corrections_public.html")
    return template.render(entries=entries, campaign=campaign.schedule.campaign, zone=campaign.zone)
