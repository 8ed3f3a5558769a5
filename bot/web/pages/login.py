"""Signing in and out, giving proof again, the style and other things that everybody may have."""

from urllib.parse import urlsplit

from bot.authority.passkeys import challenge_in, key_id_in, request_options, verified
from bot.authority.passwords import LONGEST, BusyError
from bot.authority.user_table import Passkey
from bot.authority.users import SignInError, TooManyTriesError
from bot.log import get_logger
from bot.web.rendering import STATIC, stylesheet
from bot.web.request import Answer, Page, Raw, Redirect, RequestContext

log = get_logger(__name__)

_WEEK = 604_800
#: Characters of a passkey's answer.
MOST = 8000
ICON = (STATIC / "icon.svg").read_bytes()
SCRIPT = (STATIC / "passkey.js").read_bytes()


def style(request: RequestContext) -> Answer:
    return Raw(stylesheet(request.context.specs), "text/css; charset=utf-8", keep=_WEEK)


def icon(_asked: RequestContext) -> Answer:
    return Raw(ICON, "image/svg+xml", keep=_WEEK)


def script(_asked: RequestContext) -> Answer:
    return Raw(SCRIPT, "text/javascript; charset=utf-8", keep=_WEEK)


def robots(_asked: RequestContext) -> Answer:
    return Raw(b"User-agent: *\nAllow: /calendar.ics\nDisallow: /\n", "text/plain; charset=utf-8")


def page(request: RequestContext) -> Answer:
    """Ask for a passkey, or for name and password."""
    to = own(request.query_value("to", "/"))
    if request.person is not None:
        return Redirect(to)
    return _form(request, to, "")


def _form(request: RequestContext, to: str, message: str, status: int = 200) -> Page:
    context = request.context
    options = ""
    if request.site.name:
        challenge = context.challenges.new(_purpose(request, "sign in"), context.clock.now())
        options = request_options(request.site, challenge)
    values = {
        "to": to, "message": message, "has_users": context.access.has_users(), "options": options,
    }  # fmt: skip
    return Page("login.html", values, status, has_script=bool(options))


def sign_in(request: RequestContext) -> Answer:
    """Start a session under a new id, so that one put there before is worth nothing."""
    to = own(request.form_value("to", default="/"))
    name, code = request.form_value("name", most=100), request.form_value("code", default="")
    password = request.form_value("password", most=LONGEST)
    try:
        made = request.context.sign_in.with_password(name, password, code, request.visitor)
    except TooManyTriesError as error:
        return _form(request, to, str(error), 429)
    except BusyError as error:
        return _form(request, to, str(error), 503)
    except SignInError as error:
        return _form(request, to, str(error), 403)
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
    to, context = own(request.query_value("to", "/")), request.context
    if request.is_proved:
        return Redirect(to)
    keys, options = context.store.passkeys.of(request.who.name), ""
    if request.site.name and keys:
        challenge = context.challenges.new(_purpose(request, "proof"), context.clock.now())
        options = request_options(request.site, challenge, keys)
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
