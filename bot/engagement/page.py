"""The report as one HTML file: no script, nothing loaded, the same numbers as tables."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bot.content.zones import shown
from bot.engagement import charts
from bot.engagement.presenter import present
from bot.engagement.report import Report
from bot.engagement.report_text import TERMS, WHY_NO_BEST_TIME

_FOLDER = Path(__file__).parent / "reporting"


def page(report: Report) -> str:
    """Return the whole page."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    style = (_FOLDER / "report.css").read_text(encoding="utf-8")
    digest = hashlib.sha256(style.encode()).digest()
    return environment.get_template("report.html.j2").render(
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=base64.b64encode(digest).decode(),
        report=present(report),
        zone=report.zone,
        charts=charts,
        shown=shown,
        terms=TERMS,
        why_no_best_time=WHY_NO_BEST_TIME,
    )
