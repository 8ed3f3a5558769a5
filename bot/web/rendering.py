"""Templates into pages: escaped everywhere, times with their zone, texts with their direction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bot import PROGRAM
from bot.authority.users import Right
from bot.content.zones import shown
from bot.delivery.model import State
from bot.operations.status import status_of
from bot.platforms.spec import PlatformSpec
from bot.rendering.layout import first_words
from bot.web.context import AppContext
from bot.web.request import RequestContext
from bot.web.words import KINDS

STATIC = files("bot.web") / "static"
#: What a platform adds to the style, in light and in dark.
_LOOK = """\
.net-{name}, .status-{name} {{ --net: {look.color}; }}
.status-{name} {{ border-radius: {look.corner}; }}
@media (prefers-color-scheme: dark) {{
  .net-{name}, .status-{name} {{ --net: {look.color_on_dark}; }}
}}
"""

#: What a decision tells on the page after it; only these can be told.
DONE = {
    "approved": "Approved. It is in the log.",
    "paused": "Sending is paused. Nothing goes out until somebody resumes it.",
    "resumed": "Sending goes on. What lapsed meanwhile waits under Held.",
    "settled": "Decided. It is in the log.",
    "retracted": "Taken down where that was possible; the list below says what is left.",
    "corrected": "The correction is written. It goes out once it is approved and sent.",
    "address": "This is your calendar’s address. It is shown only now.",
    "signed-out": "You are signed out.",
    "everywhere": "You are signed out everywhere.",
}
_NAVIGATION = (
    ("/", "Today"),
    ("/calendar", "Calendar"),
    ("/held", "Held"),
    ("/engagement", "Engagement"),
    ("/accounts", "Accounts"),
    ("/log", "Log"),
    ("/corrections", "Corrections"),
    ("/check", "Desk check"),
)


class Pages:
    """Renders templates with what all pages show."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._environment = environment(context.specs)

    def render(self, request: RequestContext, template: str, values: Mapping[str, Any]) -> str:
        """Return a whole page."""
        context = self._context
        common: dict[str, Any] = {
            "request": request,
            "campaign": context.campaign.schedule.campaign,
            "zone": context.campaign.zone,
            "zone_name": context.campaign.schedule.timezone,
            "rehearsal": context.campaign.schedule.mode.value == "rehearsal",
            "now": context.clock.now(),
            "done": DONE.get(request.query.get("done", [""])[0], ""),
            "navigation": _NAVIGATION,
            "status": None,
            "held_count": 0,
            "broken": "",
            "pause": None,
        }
        if request.person is not None:
            status = status_of(context.store, context.campaign, context.clock)
            common |= {
                "status": status,
                "held_count": sum(
                    status.counts.get(one.value, 0) for one in (State.HELD, State.FAILED)
                ),
                "broken": context.broken(),
                "pause": context.store.pauses.current(),
            }
        return self._environment.get_template(template).render({**common, **values})


def stylesheet(specs: Mapping[str, PlatformSpec]) -> bytes:
    """Return the style of all pages, with how each platform looks."""
    looks = [_LOOK.format(name=spec.name, look=spec.look) for spec in specs.values()]
    return (STATIC / "style.css").read_bytes() + "".join(looks).encode()


def environment(specs: Mapping[str, PlatformSpec]) -> Environment:
    """Make the templates' surroundings."""
    made = Environment(
        # A page's own template is beside its module; the others are what pages share.
        loader=ChoiceLoader([PackageLoader("bot.web", "pages"), PackageLoader("bot.web")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "when": when,
        "written": written,
        "clock": clock,
        "ago": ago,
        "words": first_words,
        "usd": usd,
    }
    made.globals |= {
        # Stands in the address, so that a new style is never the old one from a cache.
        "style_version": sha256(stylesheet(specs)).hexdigest()[:12],
        "KINDS": KINDS,
        "SPECS": specs,
        # A platform that is no longer there may still have sent something.
        "label_of": lambda name: specs[name].label if name in specs else name,
        "icon_of": lambda name: specs[name].look.icon if name in specs else name[:1].upper(),
        "Right": Right,
        "program": PROGRAM,
    }
    return made


def when(instant: datetime | None, zone: ZoneInfo) -> Markup:
    """Write an instant in local time with its zone, and in UTC for programs."""
    if instant is None:
        return Markup("–")
    return Markup('<time datetime="{}">{}</time>').format(_machine(instant), shown(instant, zone))


def clock(instant: datetime, zone: ZoneInfo) -> Markup:
    """Write the time of day with its zone."""
    told = instant.astimezone(zone).strftime("%H:%M %Z")
    return Markup('<time datetime="{}">{}</time>').format(_machine(instant), told)


def ago(instant: datetime, now: datetime) -> str:
    """Return how far off an instant is, roughly."""
    gap = instant - now
    told = _span(abs(gap))
    return f"in {told}" if gap > timedelta(0) else f"{told} ago"


def _span(gap: timedelta) -> str:
    for length, name in ((timedelta(days=1), "day"), (timedelta(hours=1), "hour")):
        if gap >= length:
            count = round(gap / length)
            return f"{count} {name}{'s' if count > 1 else ''}"
    minutes = max(1, round(gap / timedelta(minutes=1)))
    return f"{minutes} min"


def usd(amount: float) -> str:
    """Write US dollars."""
    return f"${amount:,.2f}"


def _machine(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def written(day: date) -> str:
    """Write a day for people."""
    return f"{day:%A}, {day.day} {day:%B %Y}"
