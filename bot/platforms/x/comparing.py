"""Whether a status, as X shows it, is what a draft describes, and where it differs."""

import html
import re
from collections.abc import Mapping

from bot.canonical import JsonObject
from bot.errors import UnconfirmedError
from bot.platforms.x import NAME
from bot.platforms.x.timeline import Shown, canonical

#: What stands for an address, and after the text for its pictures; the scheme is taken off.
_SHORT = re.compile(r"t\.co/[A-Za-z0-9]+")
#: A longer text may be told cut, with this sign at its end.
_LONG, _CUT = 280, "…"


def is_ours(shown: Shown, body: JsonObject) -> bool:
    """Return whether a status is the one of this draft: certain by its pictures, else by its text.

    Raises:
        UnconfirmedError: it says the same elsewhere, or with other pictures, or its addresses are
            not told; only a person can tell.
    """
    keys = frozenset(body["media_keys"])
    if keys & shown.media_keys:
        return True
    sent = body["request"]["text"]
    if shown.id == body["newest"] or not _reads_alike(shown.text, sent):
        return False
    doubts = {
        **differences(shown, body),
        "replies": "",  # it is the same status all the same
        "text": "" if shown.text == canonical(sent) else "but does not tell its addresses",
    }
    if told := ", ".join(filter(None, doubts.values())):
        raise UnconfirmedError(NAME, f"status {shown.id} says the same, {told}")
    return True


def differences(shown: Shown, body: JsonObject) -> Mapping[str, str]:
    """Return in words where a status that was read differs from its draft."""
    request = body["request"]
    parent = request.get("reply", {}).get("in_reply_to_tweet_id")
    # Where X does not say the parent, the conversation tells: the same one, or its own.
    root = body["root"] if parent else shown.id
    is_there = shown.root == root if shown.parent is None else shown.parent == parent
    settings = "", request.get("reply_settings", shown.replies)
    return {
        "text": "" if _reads_alike(shown.text, request["text"]) else _OTHER_TEXT,
        "parent": ""
        if is_there
        else f"but answers {shown.parent or 'nothing'}, not {parent or 'nothing'}",
        "pictures": "" if shown.media_keys == {*body["media_keys"]} else "but with other pictures",
        "replies": "" if shown.replies in settings else OTHER_REPLIES,
    }


OTHER_REPLIES = "others may reply to it than were to"
_OTHER_TEXT = "its text reads otherwise"


def receipt_differences(text: object, body: JsonObject) -> Mapping[str, str]:
    """Return the same of the answer to a new status, which tells its text only.

    Addresses stand there as X's short ones, without the whole ones beside them.
    """
    sent = body["request"]["text"]
    told = text if isinstance(text, str) and text else sent
    is_alike = _reads_alike(told, sent) or _reads_alike(html.unescape(told), sent)
    return {"text": "" if is_alike else _OTHER_TEXT}


def _reads_alike(shown: str, sent: str) -> bool:
    words, wanted = canonical(shown).split(), canonical(sent).split()
    if len(words) > len(wanted) and _SHORT.fullmatch(words[-1]):
        words.pop()  # of the pictures
    whole, cut, _ = shown.rpartition(_CUT)
    if cut and len(sent) > _LONG:
        words = canonical(whole).split()[:-1]
        wanted = wanted[: len(words)]
    return len(words) == len(wanted) and all(map(_is_alike, words, wanted))


def _is_alike(word: str, wanted: str) -> bool:
    """Compare words, of which X may have shortened an address, and only that."""
    if not (short := _SHORT.search(word)):
        return word == wanted
    head, tail = word[: short.start()], word[short.end() :]
    is_longer = len(wanted) > len(head) + len(tail)
    return is_longer and wanted.startswith(head) and wanted.endswith(tail)
