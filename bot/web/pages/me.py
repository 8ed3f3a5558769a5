"""A user's own: where they hear what waits, who stands in for them, what they sign in with."""

from __future__ import annotations

import pyotp

from bot.authority.contacts import absence_of
from bot.authority.passkeys import challenge_in, creation_options, new_passkey
from bot.authority.passwords import LONGEST, SHORTEST
from bot.canonical import sha256_hex
from bot.web.pages.login import MOST
from bot.web.request import Answer, Page, Redirect, RefusedRequestError, RequestContext

_DONE = "/me?done=changed"


def page(request: RequestContext) -> Answer:
    """Show everything, and forms to change it once they have proved who they are."""
    context, who, now = request.context, request.require_user(), request.context.clock.now()
    absence = context.store.absences.all().get(who.name)
    user, keys = context.store.users.get(who.name), context.store.passkeys.of(who.name)
    pinned = {key.public_key for key in context.store.keys.of(who.name)}
    options = ""
    if request.is_proved and request.site.name:
        challenge = context.challenges.new(_purpose(request), now)
        options = creation_options(request.site, who.name, challenge, keys)
    values = {
        "user": user,
        "sessions": context.store.sessions.of(who.name),
        "here": sha256_hex(request.session_token),
        "keys": [(key, key.public_key in pinned) for key in keys],
        "tokens": [
            (token, context.access.ends_at(token)) for token in context.store.tokens.of(who.name)
        ],
        "options": options,
        "address_kind": context.addresses.kind(who.name),
        "last_message": context.addresses.last(who.name),
        "absence": absence if absence and now < absence.until else None,
        "substitutes": context.access.substitutes(who.name),
        "today": now.astimezone(context.campaign.zone).date(),
        "shortest": SHORTEST,
    }
    return Page("me.html", values, has_script=bool(options))


def change_password(request: RequestContext) -> Answer:
    """Take a new password; all other sessions end."""
    who, new = request.require_proved_user(), request.form_value("new", most=LONGEST)
    access, here = request.context.access, request.session_token
    access.set_password(who.name, new, by=who.name, session=here)
    return Redirect(_DONE)


def end_session(request: RequestContext) -> Answer:
    who = request.require_user()
    request.context.access.end_session(who, request.form_value("session"))
    return Redirect(_DONE)


def new_codes(request: RequestContext) -> Answer:
    """Show a secret for an app that makes one-time codes; it is kept once a code of it came."""
    who, secret = request.require_proved_user(), pyotp.random_base32()
    address = pyotp.TOTP(secret).provisioning_uri(name=who.name, issuer_name="Verbatim")
    return Page("me_codes.html", {"secret": secret, "address": address, "recovery": ()})


def set_codes(request: RequestContext) -> Answer:
    """Ask for codes from now on, and show the recovery codes this once."""
    who, secret = request.require_proved_user(), request.form_value("secret", most=64)
    recovery = request.context.access.set_totp(who, secret, request.form_value("code", most=20))
    return Page("me_codes.html", {"secret": "", "address": "", "recovery": recovery})


def drop_codes(request: RequestContext) -> Answer:
    request.context.access.drop_totp(request.require_proved_user())
    return Redirect(_DONE)


def add_passkey(request: RequestContext) -> Answer:
    """Keep the passkey that the browser has just made."""
    who, context, now = request.require_proved_user(), request.context, request.context.clock.now()
    answer, label = request.form_value("answer", most=MOST), request.form_value("label", most=60)
    challenge = challenge_in(answer)
    context.challenges.take(_purpose(request), challenge, now)
    key = new_passkey(answer, request.site, challenge, user=who.name, label=label, now=now)
    context.access.add_passkey(key)
    return Redirect(_DONE)


def remove_passkey(request: RequestContext) -> Answer:
    request.context.access.remove_passkey(
        request.require_proved_user(), request.form_value("key", most=2000)
    )
    return Redirect(_DONE)


def new_token(request: RequestContext) -> Answer:
    """Show a new token of the command line, this once."""
    who, label = request.require_proved_user(), request.form_value("label", most=60)
    return Page("me_token.html", {"token": request.context.access.new_token(who, label)})


def revoke_token(request: RequestContext) -> Answer:
    request.context.access.revoke_token(request.require_user(), request.form_value("token_sha256"))
    return Redirect(_DONE)


def change_address(request: RequestContext) -> Answer:
    """Keep, forget or test where they are told what waits for them; the page shows what became."""
    who, context = request.require_proved_user(), request.context
    match request.path_value("what"):
        case "test":
            context.addresses.test(who.name)
            return Redirect("/me#address")
        case "forget":
            context.access.set_address(who.name, "", by=who.name)
            return Redirect(_DONE)
        case other if other != "set":
            raise RefusedRequestError(404, "")
    context.addresses.set(who.name, request.form_value("address", most=1000).strip())
    return Redirect("/me?done=address#address")


def go_away(request: RequestContext) -> Answer:
    """Let a substitute hear what waits for them, from one day to another."""
    who, context, now = request.require_proved_user(), request.context, request.context.clock.now()
    substitute, first = request.form_value("substitute"), request.form_value("first", default="")
    back, zone = request.form_value("back"), context.campaign.zone
    absence = absence_of(who.name, substitute, first, back, zone=zone, now=now)
    context.access.set_absence(absence, by=who.name)
    return Redirect("/me?done=away#away")


def come_back(request: RequestContext) -> Answer:
    who = request.require_user()
    request.context.access.end_absence(who.name, by=who.name)
    return Redirect("/me?done=back#away")


def _purpose(request: RequestContext) -> str:
    return f"passkey of {request.who.name} {request.token}"
