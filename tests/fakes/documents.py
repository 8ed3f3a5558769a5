"""One letter as .docx, .odt, .md and .txt, written by hand to the least that each format needs."""

from __future__ import annotations

import io
import zipfile
from html import escape
from pathlib import Path

#: Kind and words of each block; a heading, a paragraph or an entry of a list.
BLOCKS = (
    ("h", "Open letter on the lake of Arden"),
    ("p", "3 March 2025"),
    ("p", "Dear members of the council,"),
    ("p", "We write to you as neighbors of the lake. It has fed our families for four hundred "
          "years. Since the mill was opened, the fish are gone, and so are the birds that lived on "
          "them. "
          "Dr. A. Voss measured lead at nine places; she found it at every one of them."),
    ("p", "Nobody asked us. The council’s own report of 2023 says ‘no danger’, and it names no "
          "source at all. We have asked for its data six times, in writing. Six times the answer "
          "was that there is none to give."),
    ("h", "What happened to our people"),
    ("p", "Eleven workers of the mill were beaten when they spoke of it. Two of them died. Their "
          "mothers and fathers signed this letter with us. They are owed an answer, and so is "
          "everybody who drinks this water today."),
    ("p", "We therefore ask three things of you, and we ask them of each member by name:"),
    ("l", "Close the mill’s drain until the water is clean."),
    ("l", "Publish every measurement since the mill was opened, the bad ones too."),
    ("l", "Hear the families in public, and write down what they say."),
    ("p", "A lake does not forgive in silence; it only dies so. We will stand at the pier each "
          "morning until you come, and we will read these lines aloud. There are more of us every "
          "day. We ask you to be among us before the winter, when the ice hides everything again."),
    ("p", "In solidarity,"),
    ("p", "Neighbors of the Lake"),
    ("p", "Union of Mill Workers"),
    ("p", "Further reading:"),
    ("l", "Arden Post – Lead in the water, and nobody to ask"),
    ("l", "Public Radio: The mill that nobody closes"),
)  # fmt: skip
LINKED = ("Lead in the water, and nobody to ask", "https://post.example/lead?a=1&b=2")
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_ODF = "urn:oasis:names:tc:opendocument:xmlns:"
TEXT = "\n\n".join(
    {"h": "# ", "l": "- ", "p": ""}[kind] + words for kind, words in BLOCKS
).replace("\n\n- ", "\n- ").replace(":\n- ", ":\n\n- ") + "\n"  # fmt: skip


def zipped(parts: dict[str, str | bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return packed.getvalue()


def docx(body: str | None = None, before: str = "") -> bytes:
    """Write a .docx, of the letter where no body is given."""
    words = "".join(map(_docx_block, BLOCKS)) if body is None else body
    kinds = f"{_PACKAGE}/content-types"
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{name}"><w:name w:val="{shown}"/></w:style>'
        for name, shown in (("H1", "heading 1"), ("Normal", "Normal"))
    )
    level = '<w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl>'
    numbered = f'<w:abstractNum w:abstractNumId="0">{level}</w:abstractNum>'
    numbers = f'{numbered}<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
    address = f'Target="{escape(LINKED[1])}" TargetMode="External"'
    links = f'<Relationship Id="r9" Type="{_R}/hyperlink" {address}/>'
    parts = "".join(
        f'<Relationship Id="r{number}" Type="{_R}/{name}" Target="{name}.xml"/>'
        for number, name in enumerate(("styles", "numbering", "footnotes"))
    )
    root = f'<Relationship Id="r1" Type="{_R}/officeDocument" Target="word/document.xml"/>'
    return zipped({
        "[Content_Types].xml": f'{before}<Types xmlns="{kinds}"><Default Extension="xml" '
        'ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{root}</Relationships>',
        "word/_rels/document.xml.rels":
            f'<Relationships xmlns="{_PACKAGE}/relationships">{parts}{links}</Relationships>',
        "word/styles.xml": f'<w:styles xmlns:w="{_W}">{styles}</w:styles>',
        "word/numbering.xml": f'<w:numbering xmlns:w="{_W}">{numbers}</w:numbering>',
        "word/footnotes.xml": f'<w:footnotes xmlns:w="{_W}"><w:footnote w:id="1"><w:p>'
        f"{_run('A footnote that ends in a full stop.')}</w:p></w:footnote></w:footnotes>",
        "word/document.xml":
            f'<w:document xmlns:w="{_W}" xmlns:r="{_R}"><w:body>{words}</w:body></w:document>',
    })  # fmt: skip


def _docx_block(block: tuple[str, str]) -> str:
    kind, words = block
    style = '<w:pStyle w:val="H1"/>' if kind == "h" else ""
    number = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>' if kind == "l" else ""
    before, linked, after = words.partition(LINKED[0])
    link = f'<w:hyperlink r:id="r9">{_run(linked)}</w:hyperlink>' if linked else ""
    deleted = "<w:del><w:r><w:delText>Deleted words.</w:delText></w:r></w:del>"
    note = '<w:r><w:footnoteReference w:id="1"/></w:r>' if "Two of them died" in words else ""
    runs = _run(before) + link + _run(after) + deleted + note
    return f"<w:p><w:pPr>{style}{number}</w:pPr>{runs}</w:p>"


def _run(words: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{escape(words)}</w:t></w:r>' if words else ""


def odt(body: str | None = None, before: str = "") -> bytes:
    """Write an .odt, of the letter where no body is given."""
    words = "".join(map(_odt_block, BLOCKS)) if body is None else body
    spaces = " ".join(f'xmlns:{name}="{_ODF}{name}:1.0"' for name in ("office", "text"))
    content = (
        f'{before}<office:document-content {spaces} xmlns:xlink="http://www.w3.org/1999/xlink">'
        "<office:body><office:text><text:tracked-changes><text:p>Deleted words.</text:p>"
        f"</text:tracked-changes>{words}</office:text></office:body></office:document-content>"
    )
    return zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content})


def _odt_block(block: tuple[str, str]) -> str:
    kind, words = block
    link = f'<text:a xlink:href="{escape(LINKED[1])}">{LINKED[0]}</text:a>'
    note = "<office:annotation><text:p>Is this so?</text:p></office:annotation>"
    note += "<text:note><text:note-body><text:p>A footnote.</text:p></text:note-body></text:note>"
    inner = escape(words).replace(LINKED[0], link).replace(" the ", " the<text:s/>", 1) + note
    if kind == "h":
        return f'<text:h text:outline-level="1">{inner}</text:h>'
    if kind == "l":
        return f"<text:list><text:list-item><text:p>{inner}</text:p></text:list-item></text:list>"
    return f"<text:p>{inner}</text:p>"


def markdown() -> str:
    """Write Markdown, with marks and line ends that are only its own."""
    linked = TEXT.replace(LINKED[0], f"[{LINKED[0]}]({LINKED[1]})")
    marked = linked.replace("Nobody asked us.", "**Nobody** asked *us*.")
    return marked.replace("four hundred years. Since", "four hundred\nyears. Since")


def write_letters(folder: Path) -> dict[str, Path]:
    """Write the letter in each format; return the files by their endings."""
    contents = {
        "docx": docx(), "odt": odt(), "md": markdown().encode(), "txt": TEXT.encode(),
    }  # fmt: skip
    for ending, content in contents.items():
        (folder / f"letter.{ending}").write_bytes(content)
    return {ending: folder / f"letter.{ending}" for ending in contents}
