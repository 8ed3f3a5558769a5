"""HTML of others, read in a time that grows with its length; `html.parser` takes its square."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

# Possessive, or one that takes all that is left: nothing is looked at again from another place.
_PIECE = re.compile(
    r"(?is)<!--.*?(?:-->|\Z)"
    r"|<(?P<raw>script|style)\b.*?(?:</(?P=raw)\s*+>|\Z)"
    r"|<[!?][^<>]*+>"
    r"""|<(?P<end>/?)(?P<name>[a-z][\w:-]*+)(?P<rest>(?:[^<>"']++|"[^"]*+"|'[^']*+')*+)>"""
    r"|(?P<text>[^<]++|<)"
)
_ATTRIBUTE = re.compile(
    r"""(?<![\w:-])([\w:-]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'<>=`]++))"""
)


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag as it begins or ends an element."""

    name: str
    is_end: bool = False
    #: Between its name and its end.
    rest: str = ""

    def attributes(self) -> dict[str, str]:
        found = _ATTRIBUTE.finditer(self.rest)
        return {each[1].lower(): html.unescape(each[2] or each[3] or each[4] or "")
                for each in found}  # fmt: skip


def pieces_of(markup: str) -> Iterator[str | Tag]:
    """Yield a page's texts and tags in order, without comments, scripts and styles."""
    for found in _PIECE.finditer(markup):
        if found["text"]:
            yield html.unescape(found["text"])
        elif found["name"]:
            yield Tag(found["name"].lower(), bool(found["end"]), found["rest"])
