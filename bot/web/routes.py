"""Every address of the dashboard, and who may open it."""

from __future__ import annotations

from bot.authority.users import Right
from bot.web.app import LARGE, PageRoute
from bot.web.views import calendar, deskcheck, engagement, held, post, records, session, today

ROUTES = (
    PageRoute("/", today.page),
    PageRoute("/pause", today.pause, "POST", Right.PAUSE),
    PageRoute("/resume", today.resume, "POST", Right.RESUME),
    PageRoute("/calendar", calendar.page),
    PageRoute("/calendar/address", calendar.new_address, "POST"),
    # Calendar programs have no cookie: the view asks for the secret in the address.
    PageRoute("/calendar.ics", calendar.feed, right=None),
    PageRoute("/posts/{post}", post.page),
    PageRoute("/posts/{post}/approve", post.approve, "POST", Right.APPROVE),
    PageRoute("/posts/{post}/correct", post.correct, "POST", Right.CORRECT),
    PageRoute("/posts/{post}/retract", post.retract, "POST", Right.CORRECT),
    PageRoute("/sources/{source}", post.source),
    PageRoute("/pictures/{sha256}", post.picture),
    PageRoute("/held", held.page),
    PageRoute("/held/{delivery}", held.decide, "POST", Right.SETTLE),
    PageRoute("/engagement", engagement.page),
    PageRoute("/log", records.log),
    PageRoute("/accounts", records.accounts),
    PageRoute("/accounts/{account}/restart", records.restart, "POST", Right.SETTLE),
    PageRoute("/corrections", records.corrections),
    PageRoute("/corrections.json", records.corrections_json),
    PageRoute("/check", deskcheck.form, right=Right.CHECK),
    PageRoute("/check", deskcheck.check, "POST", Right.CHECK, most=LARGE),
    PageRoute("/login", session.form, right=None),
    PageRoute("/login", session.sign_in, "POST", right=None),
    PageRoute("/logout", session.sign_out, "POST", right=None),
    PageRoute("/logout/everywhere", session.sign_out_everywhere, "POST"),
    PageRoute("/style.css", session.style, right=None),
    PageRoute("/icon.svg", session.icon, right=None),
    PageRoute("/robots.txt", session.robots, right=None),
)
