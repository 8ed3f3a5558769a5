"""Charts as SVG text: no library, no script, coloured by classes of the page's own style sheet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup, escape

#: Ratios at both ends of the interval plot; what lies outside is cut with an arrow.
LEAST, MOST = 0.25, 4.0
_WIDE, _HIGH = 200, 24
_TICKS = ((0.25, "¼×"), (0.5, "½×"), (1.0, "1×"), (2.0, "2×"), (4.0, "4×"))
#: Line chart: size and margins, in its own units; text stays readable on a phone at this size.
_W, _H, _LEFT, _RIGHT, _TOP, _BOTTOM = 380, 220, 34, 126, 12, 28
_LABEL_GAP = 13


def _svg(text: str) -> Markup:
    return Markup(text)  # noqa: S704 - built here of numbers and escaped names


def _x(ratio: float) -> float:
    held = min(max(ratio, LEAST), MOST)
    share = math.log(held / LEAST) / math.log(MOST / LEAST)
    return round(6 + share * (_WIDE - 12), 1)


def interval(ratio: float, low: float, high: float) -> Markup:
    """Draw a ratio and its interval on a logarithmic scale; the numbers stand beside it."""
    kind = standing(low, high)
    middle = _HIGH / 2
    arrows = ""
    if low < LEAST:
        arrows += f'<path class="{kind}" d="M6 {middle}l6 -4v8z"/>'
    if high > MOST:
        arrows += f'<path class="{kind}" d="M{_WIDE - 6} {middle}l-6 -4v8z"/>'
    return _svg(
        f'<svg class="interval" viewBox="0 0 {_WIDE} {_HIGH}" aria-hidden="true" focusable="false">'
        f'<path class="rule" d="M{_x(1)} 0V{_HIGH}"/>'
        f'<path class="span {kind}" d="M{_x(low)} {middle}H{_x(high)}"/>{arrows}'
        f'<circle class="dot {kind}" cx="{_x(ratio)}" cy="{middle}" r="5"/></svg>'
    )


def interval_axis() -> Markup:
    """Draw the scale that `interval` stands on."""
    marks = "".join(
        f'<text x="{_x(at)}" y="14" text-anchor="middle">{label}</text>' for at, label in _TICKS
    )
    return _svg(
        f'<svg class="interval axis" viewBox="0 0 {_WIDE} 18" aria-hidden="true" '
        f'focusable="false">{marks}</svg>'
    )


def standing(low: float | None, high: float | None) -> str:
    """Name where an interval lies: ``up`` and ``down`` where it is clear of the usual."""
    if low is None or high is None:
        return "unknown"
    return "up" if low > 1 else "down" if high < 1 else "even"


def sparkline(growth: Sequence[float | None]) -> Markup:
    """Draw how a post grew from age to age; gaps are ages without numbers."""
    known = [value for value in growth if value is not None]
    top = max(known, default=0) or 1
    step = 80 / max(1, len(growth) - 1)
    runs: list[list[str]] = [[]]
    for place, value in enumerate(growth):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{2 + place * step:.1f} {20 - 16 * value / top:.1f}")
    paths = "".join(f'<path d="M{"L".join(run)}"/>' for run in runs if len(run) > 1)
    dots = "".join(
        f'<circle cx="{run[-1].split()[0]}" cy="{run[-1].split()[1]}" r="2"/>'
        for run in runs
        if run
    )
    return _svg(
        f'<svg class="spark" viewBox="0 0 84 24" aria-hidden="true" focusable="false">'
        f"{paths}{dots}</svg>"
    )


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart; None is a gap."""

    name: str
    #: (place from 0 to 1, value)
    points: Sequence[tuple[float, float | None]]


def lines(
    id_: str, title: str, told: str, series: Sequence[Series], ticks: Mapping[float, str]
) -> Markup:
    """Draw lines with their names at their ends, told apart by dashes as well as by colour."""
    values = [value for one in series for _at, value in one.points if value is not None]
    bottom, top = min(0.0, *values, 0.0) if values else 0.0, nice(max(values, default=1.0))
    scale = _Scale(bottom, top)
    return _svg(
        f'<svg class="lines" viewBox="0 0 {_W} {_H}" role="img" '
        f'aria-labelledby="{id_}-title {id_}-desc">'
        f'<title id="{id_}-title">{escape(title)}</title>'
        f'<desc id="{id_}-desc">{escape(told)}</desc>'
        f"{scale.grid()}{_ticks(ticks)}"
        + "".join(_line(number, one, scale) for number, one in enumerate(series))
        + _names(series, scale)
        + "</svg>"
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    bottom: float
    top: float

    def y(self, value: float) -> float:
        share = (value - self.bottom) / ((self.top - self.bottom) or 1)
        return round(_H - _BOTTOM - share * (_H - _TOP - _BOTTOM), 1)

    def grid(self) -> str:
        steps = [self.bottom + (self.top - self.bottom) * part / 4 for part in range(5)]
        return "".join(
            f'<path class="grid" d="M{_LEFT} {self.y(at)}H{_W - _RIGHT}"/>'
            f'<text class="tick" x="{_LEFT - 5}" y="{self.y(at) + 4}" text-anchor="end">'
            f"{short(at)}</text>"
            for at in steps
        )


def _place(share: float) -> float:
    return round(_LEFT + share * (_W - _LEFT - _RIGHT), 1)


def _ticks(ticks: Mapping[float, str]) -> str:
    return "".join(
        f'<text class="tick" x="{_place(at)}" y="{_H - 9}" text-anchor="middle">'
        f"{escape(label)}</text>"
        for at, label in ticks.items()
    )


def _line(number: int, one: Series, scale: _Scale) -> str:
    drawn, pen = [], "M"
    for at, value in one.points:
        if value is None:
            pen = "M"
            continue
        drawn.append(f"{pen}{_place(at)} {scale.y(value)}")
        pen = "L"
    return f'<path class="line s{number % 6}" d="{"".join(drawn)}"/>' if drawn else ""


def _names(series: Sequence[Series], scale: _Scale) -> str:
    """Put each name at the end of its line, apart from each other."""
    ends = []
    for number, one in enumerate(series):
        known = [(at, value) for at, value in one.points if value is not None]
        if known:
            ends.append((scale.y(known[-1][1]), number, one.name))
    placed, text = -math.inf, ""
    ends.sort()
    room = _H - _BOTTOM - _LABEL_GAP * len(ends)
    for end, number, name in ends:
        placed = max(placed + _LABEL_GAP, min(end + 4, room + _LABEL_GAP))
        text += (
            f'<text class="name s{number % 6}" x="{_W - _RIGHT + 6}" y="{placed:.1f}">'
            f"{escape(name)}</text>"
        )
    return text


def nice(value: float) -> float:
    """Round up to a number whose quarters read well: 4, 8, 20, 40, 100."""
    if value <= 0:
        return 4.0
    size = 10.0 ** math.floor(math.log10(value))
    return next(
        size * step for step in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10) if value <= size * step
    )


def short(value: float) -> str:
    """Write a number on an axis."""
    if abs(value) >= 1000:
        return f"{value / 1000:.1f}k".replace(".0k", "k")
    return f"{value:.0f}" if value == round(value) or abs(value) >= 10 else f"{value:.1f}"


def day_ticks(first: date, last: date) -> Mapping[float, str]:
    """Name both ends and the middle of a stretch of days."""
    span = (last - first).days
    if not span:
        return {0.0: f"{first.day} {first:%b}"}
    middle = date.fromordinal(first.toordinal() + span // 2)
    return {(day - first).days / span: f"{day.day} {day:%b}" for day in (first, middle, last)}
