"""Gets a token for who has none: the server registers the bot, and gives a person a code for it."""

from collections.abc import Mapping

from bot.masking import mask
from bot.platforms.base import AskCode, Connection
from bot.platforms.http.credentials import is_loopback
from bot.platforms.http.exchange import translated_errors
from bot.platforms.mastodon.api import connect_without_token
from bot.platforms.mastodon.spec import NAME, SPEC

_REFUSED = frozenset({400, 422})


def authorize(connection: Connection, ask: AskCode) -> Mapping[str, str]:
    """Return a token that allows what the bot needs and no more; whose it is must be asked.

    Raises:
        PlatformError: the server refuses, or does not answer well.
        SettingsError: it is not safe to send a secret to.
    """
    api = connect_without_token(connection)
    client, scopes = api.client, list(SPEC.scopes)
    try:
        with translated_errors(NAME, api.exchange, refusals=_REFUSED):
            # Not through the calls below, which read an id that is also a path as a file.
            client.client_id, client.client_secret = client.create_app(
                "Verbatim", scopes, api_base_url=api.origin, session=api.session
            )
            mask(str(client.client_secret))
            page = client.auth_request_url(
                scopes=scopes, force_login=True, state="", lang="", skip_server_info=True
            )
        code = ask(page)
        with translated_errors(NAME, api.exchange, refusals=_REFUSED):
            token = client.log_in(code=code, scopes=scopes, allow_http=is_loopback(api.origin))
    finally:
        api.session.close()
    return {"ACCESS_TOKEN": str(token)}
