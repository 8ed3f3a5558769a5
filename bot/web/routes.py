"""Every address of the dashboard, and who may open it."""

from __future__ import annotations

from bot.services.users import Right
from bot.web.app import LARGE, Door
from bot.web.views import calendar, deskcheck, engagement, held, post, records, session, today

DOORS = (
    Door("/", today.page),
    Door("/pause", today.pause, "POST", Right.PAUSE),
    Door("/resume", today.resume, "POST", Right.RESUME),
    Door("/calendar", calendar.page),
    Door("/calendar/address", calendar.new_address, "POST"),
    # Calendar programs have no cookie: the view asks for the secret in the address.
    Door("/calendar.ics", calendar.feed, right=None),
    Door("/posts/{post}", post.page),
    Door("/posts/{post}/approve", post.approve, "POST", Right.APPROVE),
    Door("/posts/{post}/correct", post.correct, "POST", Right.CORRECT),
    Door("/posts/{post}/retract", post.retract, "POST", Right.CORRECT),
    Door("/sources/{source}", post.source),
    Door("/pictures/{sha256}", post.picture),
    Door("/held", held.page),
    Door("/held/{delivery}", held.decide, "POST", Right.SETTLE),
    Door("/engagement", engagement.page),
    Door("/log", records.log),
    Door("/accounts", records.accounts),
    Door("/accounts/{account}/restart", records.restart, "POST", Right.SETTLE),
    Door("/corrections", records.corrections),
    Door("/corrections.json", records.corrections_json),
    Door("/check", deskcheck.form, right=Right.CHECK),
    Door("/check", deskcheck.check, "POST", Right.CHECK, most=LARGE),
    Door("/login", session.form, right=None),
    Door("/login", session.sign_in, "POST", right=None),
    Door("/logout", session.sign_out, "POST", right=None),
    Door("/logout/everywhere", session.sign_out_everywhere, "POST"),
    Door("/style.css", session.style, right=None),
    Door("/icon.svg", session.icon, right=None),
    Door("/robots.txt", session.robots, right=None),
)
