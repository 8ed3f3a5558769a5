"""A letter as people have it (.docx, .odt, .md, .txt) as plain text that keeps its shape.

The file may be anybody's: it is bounded before it is unpacked, no entity or outside file is read,
and pictures, comments, footnotes and deleted text are left behind.
"""

import io
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn
from xml.etree import ElementTree
from xml.parsers import expat

import regex

from bot import visible
from bot.content.characters import decode, problems_of_lines
from bot.content.files import BOUNDS
from bot.errors import ContentError, Problem

#: Bytes of a file, of all that is packed in it, and how many parts and levels that may have.
_MOST, _UNPACKED, _PARTS, _DEPTH = 10_000_000, 50_000_000, 2000, 150
_ODF = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
_TEXT, _OFFICE = _ODF % "text", _ODF % "office"
_HREF = "{http://www.w3.org/1999/xlink}href"
#: What is read in the place of an element; of an .odt, much stands in none of its text.
_INSTEAD = {
    "br": "\n", f"{_TEXT}line-break": "\n", f"{_TEXT}tab": " ",
    **dict.fromkeys((
        f"{_TEXT}tracked-changes", f"{_TEXT}note", f"{_TEXT}note-citation", f"{_OFFICE}annotation",
        f"{_TEXT}table-of-content", f"{_TEXT}sequence-decls",
    ), ""),
}  # fmt: skip
_BLOCKS = {
    "p", "li", "ul", "ol", "table", "thead", "tbody", "tr", "td", "th",
    "h1", "h2", "h3", "h4", "h5", "h6",
}  # fmt: skip
_MARKDOWN_LINK = regex.compile(
    r"!?\[([^\[\]\n]*)\]\(([^\s\[\]]+?)(?:\s+\"[^\"\n]*\")?\)|<(https?://[^<>\s]+)>"
)
_EMPHASIS = regex.compile(
    r"(?<![\w\\])(\*\*\*|\*\*|\*|___|__|_|`)(?=\S)([^\n]{1,2000}?)(?<=\S)\1(?!\w)"
)
#: A search for what closes emphasis may take so long.
_SECONDS = 3
_ESCAPE = regex.compile(r"\\([\\`*_{}\[\]()#+.!<>-])")
_HARD_BREAK = regex.compile(r"(?:(?<! ) {2,}|\\)\n")
_MARKED = regex.compile(r"\s|#|[-*•–—>] |\d+[.)] ")
#: Widths at which editors wrap lines.
_WIDTHS = range(55, 101)
_SOFT_BREAK = regex.compile(r"(?<=\S)\n(?=[ \t]*(?!#{1,6} |[-*•>] |\d+[.)] )\S)")


@dataclass(frozen=True, slots=True)
class Document:
    """A text, with ``#`` before headings and ``-`` before entries of lists."""

    text: str
    #: Addresses by the words that link to them.
    links: Mapping[str, str]


def read_document(path: Path) -> Document:
    """Read a letter.

    Raises:
        ContentError: it is too large, hostile or no letter.
    """
    with path.open("rb") as file:
        raw = file.read(_MOST + 1)
    if len(raw) > _MOST:
        _refuse(path, f"has over {_MOST:,} bytes; take its pictures out", "letter-size")
    readers = {".docx": _docx, ".odt": _odt, ".md": _markdown, ".txt": _plain}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        _refuse(path, "is no .docx, .odt, .md or .txt; save the letter as one", "letter-kind")
    found = reader(raw, path)
    # Names of letters that programs write in two ways have one way in a source.
    text = visible.normalized("NFC", found.text.replace("\r\n", "\n")).strip() + "\n"
    encoded = text.encode("utf-8", "surrogatepass")
    if len(encoded) > BOUNDS.text_bytes or not text.strip():
        what = "has no text" if not text.strip() else f"has over {BOUNDS.text_bytes:,} bytes"
        _refuse(path, f"{what}; a letter has some, and not more", "letter-size")
    problems = decode(encoded, file=str(path), keep_mark=True)[1]
    if problems := problems or problems_of_lines(text, file=str(path)):
        raise ContentError(problems)
    return Document(text, found.links)


def _refuse(path: Path, message: str, rule: str, line: int = 0, column: int = 0) -> NoReturn:
    raise ContentError([Problem(str(path), line, column, "", message, rule=rule)])


def _decoded(raw: bytes, path: Path) -> str:
    if len(raw) > BOUNDS.text_bytes:  # before anything is looked for in it
        _refuse(path, f"has over {BOUNDS.text_bytes:,} bytes; a letter has fewer", "letter-size")
    text, problems = decode(raw, file=str(path))
    # Another normal form is mended, as the file is a copy.
    if problems and unicodedata.is_normalized("NFC", text):
        raise ContentError(problems)
    return text.replace("\r\n", "\n")


def _plain(raw: bytes, path: Path) -> Document:
    """Read plain text; where an editor wrapped lines, since a word had no room, join them."""
    lines = _decoded(raw, path).split("\n")
    width, text = max(map(len, lines)), lines[0]
    for before, line in pairwise(lines):
        has_no_room = len(before) + 1 + len(line.split(" ", 1)[0]) > width
        is_wrapped = width in _WIDTHS and before and line and has_no_room
        text += (" " if is_wrapped and not _MARKED.match(line) else "\n") + line
    return Document(text, {})


def _markdown(raw: bytes, path: Path) -> Document:
    """Read Markdown: no network renders its marks, and its line ends are spaces."""
    # A separator of lines that no decoded text has keeps the ends that are meant.
    text, links = _HARD_BREAK.sub("\u2028", _decoded(raw, path)), {}
    for words, address, bare in _MARKDOWN_LINK.findall(text):
        links[words or bare] = address or bare
    text = _MARKDOWN_LINK.sub(lambda link: link[1] or link[3] or "", text)
    try:
        for _level in range(3):
            text = _EMPHASIS.sub(r"\2", text, timeout=_SECONDS)
    except TimeoutError:
        _refuse(path, "has too many * or _ that nothing closes; take them out", "letter-size")
    text = regex.sub(r"(?m)^[ \t]*>[ \t]?|(?<![ \t])[ \t]+$|\\$", "", _ESCAPE.sub(r"\1", text))
    return Document(_SOFT_BREAK.sub(" ", text).replace("\u2028", "\n"), links)


def _unpacked(raw: bytes, path: Path, wanted: tuple[str, ...]) -> dict[str, bytes]:
    """Return the parts of a packed file whose names end so, each proved harmless."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            parts = packed.infolist()
            # No more is ever unpacked of a part than it says here.
            if len(parts) > _PARTS or sum(part.file_size for part in parts) > _UNPACKED:
                most = f"unpacks to more than {_UNPACKED:,} bytes or {_PARTS} parts"
                _refuse(path, f"{most}; save the letter's text anew", "letter-size")
            names = (part.filename for part in parts if part.filename.endswith(wanted))
            found = {name: packed.read(name) for name in names}
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError,
            ValueError, zlib.error) as error:  # fmt: skip
        message = f"cannot be unpacked ({type(error).__name__}); save it anew, without a password"
        _refuse(path, message, "letter-kind")
    for name, content in found.items():
        _prove_xml(content, path, name)
    return found


def _prove_xml(content: bytes, path: Path, part: str) -> None:
    """Refuse what declares entities, is nested too deep, or is no XML."""
    parser, opened = expat.ParserCreate(namespace_separator=" "), list[str]()

    def refuse(*_declared: Any) -> NoReturn:
        message = f"{part} declares entities or a document type, which no letter needs"
        _refuse(path, message, "letter-xml")

    def open_element(name: str, _attributes: Any) -> None:
        opened.append(name)
        if len(opened) > _DEPTH:
            _refuse(path, f"{part} is nested deeper than {_DEPTH}; save it anew", "letter-xml")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = open_element
    parser.EndElementHandler = lambda _name: opened.pop()
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        message = f"{part} is no XML ({expat.ErrorString(error.code)}); save the letter anew"
        _refuse(path, message, "letter-xml", error.lineno, error.offset + 1)


def _docx(raw: bytes, path: Path) -> Document:
    import mammoth  # 0.1 s: only who reads such a letter pays

    # Only what was proved, so that nothing else can be read.
    proved, links = io.BytesIO(), dict[str, str]()
    with zipfile.ZipFile(proved, "w") as packed:
        for name, content in _unpacked(raw, path, (".xml", ".rels")).items():
            packed.writestr(name, content)
    try:
        made = mammoth.convert_to_html(
            proved, convert_image=lambda _image: [], external_file_access=False,
            include_embedded_style_map=False,
        )  # fmt: skip
        root = ElementTree.fromstring(f"<body>{made.value}</body>")  # noqa: S314 - mammoth's own
        return Document(_joined(list(_html_blocks(root, links, "p"))), links)
    except Exception as error:  # noqa: BLE001 - of a hostile file, it may raise anything
        message = f"cannot be read as .docx ({type(error).__name__}); save it anew"
        _refuse(path, message, "letter-kind")


def _html_blocks(
    parent: ElementTree.Element, links: dict[str, str], kind: str
) -> Iterator[tuple[str, str]]:
    """Yield the blocks of what mammoth writes, where an entry's text stands beside inner lists."""
    words = parent.text or ""
    for each in parent:
        if each.tag not in _BLOCKS:
            words += _words(each, links)
            continue
        yield kind, words
        if not each.get("id", "").startswith(("footnote-", "endnote-")):
            inner = each.tag if each.tag == "li" or each.tag[1:].isdigit() else kind
            yield from _html_blocks(each, links, inner)
        words = each.tail or ""
    yield kind, words


def _odt(raw: bytes, path: Path) -> Document:
    content = _unpacked(raw, path, ("content.xml",)).get("content.xml", b"<none/>")
    root, links = ElementTree.fromstring(content), dict[str, str]()  # noqa: S314 - proved
    body = root.find(f"{_OFFICE}body/{_OFFICE}text")
    if body is None:
        _refuse(path, "has no text; save the letter as .odt anew", "letter-kind")
    return Document(_joined(list(_odt_blocks(body, links, "p"))), links)


def _odt_blocks(
    parent: ElementTree.Element, links: dict[str, str], kind: str
) -> Iterator[tuple[str, str]]:
    for each in parent:
        if each.tag in (f"{_TEXT}p", f"{_TEXT}h"):
            level = each.get(f"{_TEXT}outline-level", "1")
            is_heading = each.tag == f"{_TEXT}h" and level.isdigit()
            each.tail = None  # what stands between paragraphs is shown by no program
            yield f"h{level}" if is_heading else kind, _words(each, links)
        elif each.tag not in _INSTEAD:
            yield from _odt_blocks(each, links, "li" if each.tag == f"{_TEXT}list-item" else kind)


def _words(element: ElementTree.Element, links: dict[str, str]) -> str:
    """Return the words of a paragraph or of a part of it, and what stands behind that."""
    words = _INSTEAD.get(element.tag)
    if element.tag == f"{_TEXT}s":
        count = element.get(f"{_TEXT}c", "1")
        words = " " * min(int(count) if count.isdecimal() else 1, 100)
    if element.get("href", "").startswith("#"):
        words = ""  # a footnote's sign, or the way back from it
    if words is None:
        words = (element.text or "") + "".join(_words(each, links) for each in element)
        if words and element.tag in ("a", f"{_TEXT}a"):
            links[words] = element.get("href", element.get(_HREF, ""))
    return words + (element.tail or "")


def _joined(blocks: list[tuple[str, str]]) -> str:
    """Write blocks with a blank line between them; entries of one list on lines of their own."""
    text, before = "", ""
    for kind, words in ((kind, words.strip()) for kind, words in blocks if words.strip()):
        mark = "- " if kind == "li" else "#" * min(int(kind[1:] or 0), 6) + " "
        text += "\n" if kind == before == "li" else "\n\n"
        text += words if kind == "p" else mark + words
        before = kind
    return text.strip()
