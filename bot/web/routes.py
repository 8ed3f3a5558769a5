"""Every address of the dashboard, and who may open it."""

from __future__ import annotations

from bot.authority.users import Right
from bot.web.pages import (
    accounts,
    calendar,
    check,
    corrections,
    engagement,
    held,
    log,
    login,
    post,
    source,
    today,
)
from bot.web.request import LARGE, PageRoute

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
    PageRoute("/sources/{source}", source.page),
    PageRoute("/pictures/{sha256}", post.picture),
    PageRoute("/held", held.page),
    PageRoute("/held/{delivery}", held.decide, "POST", Right.SETTLE),
    PageRoute("/engagement", engagement.page),
    PageRoute("/log", log.page),
    PageRoute("/accounts", accounts.page),
    PageRoute("/accounts/{account}/restart", accounts.restart, "POST", Right.SETTLE),
    PageRoute("/corrections", corrections.page),
    PageRoute("/corrections.json", corrections.as_json),
    PageRoute("/check", check.page, right=Right.CHECK),
    PageRoute("/check", check.check, "POST", Right.CHECK, most=LARGE),
    PageRoute("/login", login.page, right=None),
    PageRoute("/login", login.sign_in, "POST", right=None),
    PageRoute("/logout", login.sign_out, "POST", right=None),
    PageRoute("/logout/everywhere", login.sign_out_everywhere, "POST"),
    PageRoute("/style.css", login.style, right=None),
    PageRoute("/icon.svg", login.icon, right=None),
    PageRoute("/robots.txt", login.robots, right=None),
)
