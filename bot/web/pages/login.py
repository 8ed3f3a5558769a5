"""Signing in and out, what is a user's own; the style and the script of all pages."""

from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import pyotp

from bot.authority.access import LONGEST, SHORTEST, BusyError
from bot.authority.notices import absence_of
from bot.authority.passkeys import (
    challenge_in,
    creation_options,
    key_id_in,
    new_passkey,
    request_options,
    verified,
)
from bot.authority.user_table import Passkey
from bot.authority.users import SignInError, TooManyTriesError
from bot.canonical import sha256_hex
from bot.log import get_logger
from bot.web.rendering import STATIC, stylesheet
from bot.web.request import Answer, Page, Raw, Redirect, RefusedRequestError, RequestContext

log = get_logger(__name__)

_WEEK = 604_800
_DONE = "/me?done=changed"
#: Characters of a passkey's answer.
MOST = 8000
#: By address: bytes and media type.
_FILES = {
    "/icon.svg": ((STATIC / "icon.svg").read_bytes(), "image/svg+xml"),
    "/passkey.js": ((STATIC / "passkey.js").read_bytes(), "text/javascript; charset=utf-8"),
}


def style(request: RequestContext) -> Answer:
    return Raw(stylesheet(request.context.specs), "text/css; charset=utf-8", keep=_WEEK)


def static(request: RequestContext) -> Answer:
    return Raw(*_FILES[request.path], keep=_WEEK)


def robots(_asked: RequestContext) -> Answer:
    return Raw(b"User-agent: *\nAllow: /calendar.ics\nDisallow: /\n", "text/plain; charset=utf-8")


def page(request: RequestContext) -> Answer:
    to = own(request.query_value("to", "/"))
    if request.person is not None:
        return Redirect(to)
    return _form(request, to, "")


def _form(request: RequestContext, to: str, message: str, status: int = 200) -> Page:
    options = _options(request, "sign in", partial(request_options, request.site))
    has_users = request.context.access.has_users()
    values = {"to": to, "message": message, "has_users": has_users, "options": options}
    return Page("login.html", values, status, has_script=bool(options))


def sign_in(request: RequestContext) -> Answer:
    """Start a session under a new id, so that one put there before is worth nothing."""
    to = own(request.form_value("to", default="/"))
    name, code = request.form_value("name", most=100), request.form_value("code", default="")
    password = request.form_value("password", most=LONGEST)
    try:
        made = request.context.sign_in.with_password(name, password, code, request.visitor)
    except (SignInError, BusyError) as error:
        codes = {TooManyTriesError: 429, BusyError: 503}
        return _form(request, to, str(error), codes.get(type(error), 403))
    return Redirect(to, session_token=made.session, device=made.device)


def sign_in_by_passkey(request: RequestContext) -> Answer:
    """Start a session of whoever has the passkey that answered.

    Nobody waits after wrong ones, as a signature over a challenge of ours cannot be guessed.
    """
    to = own(request.form_value("to", default="/"))
    try:
        key = _answered(request, "sign in")
    except SignInError as error:
        log.warning("passkey refused", reason=str(error))
        return _form(request, to, str(error), 403)
    made = request.context.sign_in.start(key.user, request.visitor)
    return Redirect(to, session_token=made.session, device=made.device)


def proof(request: RequestContext) -> Answer:
    """Ask for the password or a passkey once more, on the way to what needs it."""
    to = own(request.query_value("to", "/"))
    if request.is_proved:
        return Redirect(to)
    keys = request.context.store.passkeys.of(request.who.name)
    make = partial(request_options, request.site, known=keys)
    options = _options(request, "proof", make) if keys else ""
    return Page("proof.html", {"to": to, "options": options}, has_script=bool(options))


def prove(request: RequestContext) -> Answer:
    """Take the password, or a passkey's answer, and go on to what needed it."""
    if request.form_value("answer", most=MOST, default=""):
        if _answered(request, "proof").user != request.who.name:
            raise SignInError("this passkey is somebody else's")
        request.context.sign_in.note_proof(request.session_token)
    else:
        request.require_proof()
    return Redirect(own(request.form_value("to", default="/")))


def _options(request: RequestContext, purpose: str, make: Callable[[bytes], str]) -> str:
    """Return what the browser asks a passkey with a new challenge; empty where it can have none."""
    challenges, now = request.context.challenges, request.context.clock.now()
    return make(challenges.new(_purpose(request, purpose), now)) if request.site.name else ""


def _answered(request: RequestContext, purpose: str) -> Passkey:
    """Return the passkey that answered a challenge of ours; SignInError where none did."""
    context, answer = request.context, request.form_value("answer", most=MOST)
    challenge = challenge_in(answer)
    context.challenges.take(_purpose(request, purpose), challenge, context.clock.now())
    key = context.store.passkeys.get(key_id_in(answer))
    if key is None:
        raise SignInError("nobody here has this passkey")
    count = verified(
        answer, challenge, origin=request.site.origin, public_key=key.public_key,
        sign_count=key.sign_count,
    )  # fmt: skip
    context.store.passkeys.count_up(key.id, count)
    return key


def _purpose(request: RequestContext, what: str) -> str:
    """Bind a challenge to this browser too: its cookie."""
    return f"{what} {request.token}"


def sign_out(request: RequestContext) -> Answer:
    request.context.sign_in.sign_out(request.session_token)
    return Redirect("/login", session_token="")


def sign_out_everywhere(request: RequestContext) -> Answer:
    """End all of somebody's sessions, this one too."""
    name = request.require_user().name
    request.context.access.sign_out_everywhere(name, by=name)
    return Redirect("/login", session_token="")


def own(to: str) -> str:
    """Keep only an address of ours: a link must not send people elsewhere after they sign in."""
    parts = urlsplit(to)
    is_ours = not parts.scheme and not parts.netloc and to.startswith("/")
    return to if is_ours and not to.startswith("//") and "\\" not in to else "/"


def me(request: RequestContext) -> Answer:
    """Show everything, and forms to change it once they have proved who they are."""
    context, who, now = request.context, request.require_user(), request.context.clock.now()
    absence = context.store.absences.all().get(who.name)
    user, keys = context.store.users.get(who.name), context.store.passkeys.of(who.name)
    pinned = {key.public_key for key in context.store.keys.of(who.name)}
    make = partial(creation_options, request.site, who.name, known=keys)
    options = _options(request, f"passkey of {who.name}", make) if request.is_proved else ""
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
    request.context.access.end_session(request.require_user(), request.form_value("session"))
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
    who, context, now = request.require_proved_user(), request.context, request.context.clock.now()
    answer, label = request.form_value("answer", most=MOST), request.form_value("label", most=60)
    challenge = challenge_in(answer)
    context.challenges.take(_purpose(request, f"passkey of {who.name}"), challenge, now)
    key = new_passkey(answer, request.site, challenge, user=who.name, label=label, now=now)
    context.access.add_passkey(key)
    return Redirect(_DONE)


def remove_passkey(request: RequestContext) -> Answer:
    who, key = request.require_proved_user(), request.form_value("key", most=2000)
    request.context.access.remove_passkey(who, key)
    return Redirect(_DONE)


def new_token(request: RequestContext) -> Answer:
    """Show a new token of the command line, this once."""
    who, label = request.require_proved_user(), request.form_value("label", most=60)
    return Page("me_token.html", {"token": request.context.access.new_token(who, label)})


def revoke_token(request: RequestContext) -> Answer:
    who, sha256 = request.require_user().name, request.form_value("token_sha256")
    request.context.access.revoke_token(who, sha256, by=who)
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
