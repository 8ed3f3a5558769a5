"""The report of a month as files: one web page, a PDF on two sheets, a workbook, JSON."""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any

from bot.engagement.export import cell
from bot.engagement.monthly import USUAL_DAYS
from bot.engagement.monthly_text import MOST_LISTED, PresentedMonth
from bot.engagement.presenter import FOLDER, Grid, html_file
from bot.errors import OperatorError
from bot.rendering.cards.typefaces import FONTS
from bot.rendering.layout import html_direction

#: What templates know besides the report.
KNOWN = {
    "most": MOST_LISTED,
    "usual_days": USUAL_DAYS,
    # Paper has no "auto": WeasyPrint knows none.
    "dir_of": html_direction,
}
#: Fonts of the PDF, and what is set in each; no other file is opened for it.
_FONT = "verbatim-font:"
_FACES = "".join(
    f'@font-face {{ font-family: "{name}"; src: url("{_FONT}{file}"); }}\n'
    for name, file in {
        "Noto Serif": "NotoSerif-Variable.ttf",
        "Noto Naskh Arabic": "NotoNaskhArabic-Variable.ttf",
        "Noto Serif SC": "NotoSerifSC-GB2312.otf",
    }.items()
)
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")


def page(month: PresentedMonth) -> str:
    """Return it as one HTML file: no script, nothing loaded."""
    styles = ("monthly_page.css", "monthly.css")
    return html_file("monthly.html.j2", styles, month=month, **KNOWN)


def pdf(month: PresentedMonth) -> bytes:
    """Return it as an accessible PDF (PDF/UA-1), set in our own fonts."""
    content: bytes = document(month).write_pdf(pdf_variant="pdf/ua-1", pdf_tags=True)
    return content


def document(month: PresentedMonth) -> Any:
    """Lay it out on sheets of paper; return WeasyPrint's document."""
    try:
        import weasyprint  # 0.5 s, and needs Pango: only who wants a PDF should pay
    except OSError as error:
        raise OperatorError(
            "a PDF needs Pango: install libpango-1.0-0 and libpangoft2-1.0-0"
        ) from error
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class Fetcher(URLFetcher):  # type: ignore[misc]  # it ships no types
        """Opens our own fonts and pictures that are part of the page, and refuses all else."""

        def fetch(self, url: str, headers: object = None) -> Any:  # noqa: ARG002 - its signature
            kind, _, name = url.partition(":")
            if kind == "data" and name.startswith("image/"):
                mime, _, content = name.partition(";base64,")
                return URLFetcherResponse(
                    url, base64.b64decode(content), headers={"Content-Type": mime}
                )
            if url.startswith(_FONT) and set(name) <= _SAFE:
                return URLFetcherResponse(url, (FONTS / name).read_bytes())
            raise ValueError(f"a report loads nothing: {url[:60]}")

    fetcher = Fetcher()
    # Both must have it, or the fonts are passed over in silence.
    fonts = FontConfiguration()
    style = _FACES
    if month.direction == "rtl":
        style += (FOLDER / "monthly_rtl.css").read_text(encoding="utf-8")
    faces = weasyprint.CSS(string=style, url_fetcher=fetcher, font_config=fonts)
    html = weasyprint.HTML(string=page(month), url_fetcher=fetcher)
    return html.render(
        stylesheets=[faces], font_config=fonts, pdf_variant="pdf/ua-1", pdf_tags=True
    )


def workbook(month: PresentedMonth) -> bytes:
    """Return it as an XLSX file of plain cells; no text can be run as a formula."""
    from openpyxl import Workbook  # 0.2 s
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    for number, (title, rows) in enumerate(_sheets(month)):
        sheet = book.active if number == 0 else book.create_sheet()
        assert sheet is not None  # noqa: S101 - a new workbook has one
        # Excel takes no more, and none of these; of two equal names one gets a number.
        sheet.title = re.sub(r"[\[\]:*?/\\']", " ", title)[:31]
        sheet.sheet_view.rightToLeft = month.direction == "rtl"
        for row in rows:
            sheet.append([cell(value) for value in row])
        for place, column in enumerate(sheet.iter_cols(), 1):
            longest = max(len(str(each.value or "")) for each in column)
            sheet.column_dimensions[get_column_letter(place)].width = min(70, longest + 2)
            column[0].font = Font(bold=True)
            for each in column:
                each.alignment = Alignment(wrap_text=True, vertical="top")
                each.data_type = "s" if isinstance(each.value, str) else each.data_type
        sheet.freeze_panes = "A2"
    target = BytesIO()
    book.save(target)
    return target.getvalue()


def _sheets(month: PresentedMonth) -> Iterator[tuple[str, Sequence[Sequence[object]]]]:
    words, figures = month.words, month.figures

    def head(*names: str) -> tuple[str, ...]:
        return tuple(words(f"of-{name}") for name in names)

    yield words("sheet-summary"), [
        (words("of-name"), month.title, words("of-before")),
        *month.tiles,
        *((words("missing"), line, "") for line in month.missing),
        (words("of-date"), month.as_of, ""), (words("of-signature"), month.signature, ""),
        (words("how-to-read"), words("ratio"), ""),
        (words("of-usual"), words("usual", days=USUAL_DAYS), ""),
        *(("", line, "") for line in month.about_words),
    ]  # fmt: skip
    yield words("accounts"), _table(month.accounts)
    yield words("posts"), [
        head("post", "text", "engagements", "ratio", "reason", "links"),
        *((row.id, row.status.text, row.engagements, row.ratio, row.reason,
           " ".join(address for _account, address in row.links)) for row in month.featured),
    ]  # fmt: skip
    both = {"passages": figures.passages, "investigations": figures.investigations}
    for key, mentioned in both.items():
        rows = ((each.id, each.text, each.by, each.url, each.n) for each in mentioned)
        names = head("id", "text", "publisher", "address", "times")
        yield words(f"sheet-{key}"), [names, *rows]
    yield words("corrections"), [
        head("time", "kind", "fault", "correction"),
        *((each.at.isoformat(), words(each.kind, post=each.post), each.why, each.text)
          for each in month.corrections),
    ]  # fmt: skip
    yield words("cost"), _table(month.costs)


def _table(grid: Grid) -> Sequence[Sequence[object]]:
    return [(*grid.words, *grid.numbers), *grid.rows, (grid.caption,)]


def json_of(month: PresentedMonth) -> Mapping[str, Any]:
    """Return it for other programs: the numbers themselves, and the sentences."""
    figures = month.figures
    return {
        "campaign": month.campaign,
        "lang": month.words.lang,
        "period": figures.period.key,
        "as_of": figures.at,
        "now": figures.now,
        "before": figures.before,
        "posts": [
            {
                "post": row.id, "text": row.status.text, "lang": row.status.lang,
                "engagements": post.engagements, "reason": row.reason,
                "ratio": post.known and (post.known.known.mean, *post.known.known.interval()),
                "links": dict(row.links),
            }
            for post, row in zip(figures.featured, month.featured, strict=True)
        ],
        "passages": figures.passages,
        "investigations": figures.investigations,
        "corrections": month.corrections,
        "missing": list(month.missing),
        "sha256": month.sha256,
        "signed": month.signed,
    }  # fmt: skip
