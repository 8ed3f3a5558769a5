"""Templates into pages: escaped everywhere, times with their zone, texts with their direction."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined
from markupsafe import Markup

from bot import PROGRAM, visible
from bot.authority.users import Right
from bot.content.model import Mode
from bot.content.zones import brief, shown
from bot.engagement.monthly_files import FOLDER
from bot.platforms.spec import PlatformSpec
from bot.rendering.layout import first_words
from bot.web.context import AppContext
from bot.web.request import Page, RequestContext
from bot.web.words import KINDS, host_of, pieces

STATIC = files("bot.web") / "static"
#: What a platform adds to the style, in light and in dark.
_LOOK = """\
.net-{name}, .status-{name} {{ --net: {look.color}; }}
.status-{name} {{ border-radius: {look.corner}; }}
@media (prefers-color-scheme: dark) {{
  .net-{name}, .status-{name} {{ --net: {look.color_on_dark}; }}
}}
"""

_UNITS = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"))


class Pages:
    """Renders templates with what all pages show."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._environment = environment(context.specs)

    def render(self, request: RequestContext, page: Page) -> str:
        """Return a whole page."""
        context, campaign = self._context, self._context.campaign
        common: dict[str, Any] = {
            "request": request,
            "has_script": page.has_script,
            "campaign": campaign.schedule.campaign,
            "zone": campaign.zone,
            "zone_name": campaign.schedule.timezone,
            "rehearsal": campaign.schedule.mode is Mode.REHEARSAL,
            "now": context.clock.now(),
            "rehearsed": context.days,
        }
        if request.person is not None:
            common |= {
                "status": context.status(),
                "broken": context.broken(),
                "pauses": context.store.pauses.lasting(),
            }
        return self._environment.get_template(page.template).render({**common, **page.values})


def stylesheet(specs: Mapping[str, PlatformSpec]) -> bytes:
    """Return the style of all pages, with how each platform looks."""
    looks = [_LOOK.format(name=spec.name, look=spec.look) for spec in specs.values()]
    report = (FOLDER / "monthly.css").read_bytes()
    return (STATIC / "style.css").read_bytes() + report + "".join(looks).encode()


def environment(specs: Mapping[str, PlatformSpec]) -> Environment:
    """Make the templates' surroundings."""
    made = Environment(
        # A page's own template is beside its module; the others are what pages share.
        loader=ChoiceLoader(
            [PackageLoader("bot.web", "pages"), PackageLoader("bot.web"), FileSystemLoader(FOLDER)]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=visible.shown,
    )
    made.filters |= {
        "when": when, "full": full, "written": written, "clock": clock, "ago": ago,
        "words": first_words, "pieces": pieces, "host": host_of, "usd": "${:,.2f}".format,
    }  # fmt: skip
    made.globals |= {
        # Stands in the address, so that a new style is never the old one from a cache.
        "style_version": sha256(stylesheet(specs)).hexdigest()[:12],
        "script_version": sha256((STATIC / "passkey.js").read_bytes()).hexdigest()[:12],
        "KINDS": KINDS,
        "SPECS": specs,
        # A platform that is no longer there may still have sent something.
        "label_of": lambda name: specs[name].label if name in specs else name,
        "icon_of": lambda name: specs[name].look.icon if name in specs else name[:1].upper(),
        "Right": Right,
        "program": PROGRAM,
    }
    return made


def when(instant: datetime, zone: ZoneInfo) -> Markup:
    """Write an instant in local time, whose zone the page tells once, and in UTC for programs."""
    return _time(instant, brief(instant, zone))


def full(instant: datetime, zone: ZoneInfo) -> Markup:
    """Write the same with its weekday and zone."""
    return _time(instant, shown(instant, zone))


def clock(instant: datetime, zone: ZoneInfo) -> Markup:
    """Write the time of day."""
    return _time(instant, instant.astimezone(zone).strftime("%H:%M"))


def _time(instant: datetime, text: str) -> Markup:
    machine = instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}">{}</time>').format(machine, text)


def ago(instant: datetime, now: datetime) -> str:
    """Return how far off an instant is, roughly."""
    gap = abs(instant - now)
    length, name = next((unit for unit in _UNITS if gap >= unit[0]), (timedelta(minutes=1), "min"))
    count = max(1, round(gap / length))
    text = f"{count} {name}{'s' if count > 1 and name != 'min' else ''}"
    return f"in {text}" if instant > now else f"{text} ago"


def written(day: date) -> str:
    """Write a day for people."""
    return f"{day:%A}, {day.day} {day:%B %Y}"
