"""Moving through the days of a finished rehearsal."""

import re

from bot.web.request import Answer, Redirect, RefusedRequestError, RequestContext

#: A page that there is on every day.
_PAGE = re.compile(r"/[a-z]*")


def look_at_day(request: RequestContext) -> Answer:
    """Show another day, on the page where somebody asks for it."""
    days, day = request.context.days, request.form_value("day")
    if days is None:
        raise RefusedRequestError(409, "only a rehearsal has days to move through")
    if not (day.isascii() and day.isdecimal() and int(day) < len(days.moments)):
        raise RefusedRequestError(400, f"a day is a number below {len(days.moments)}")
    days.current = int(day)
    page = request.form_value("to", default="/")
    return Redirect(page if _PAGE.fullmatch(page) else "/")
