"""Charts, and their SVG: no library, no script, coloured by classes of the page's style sheet."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from markupsafe import Markup, escape

from bot.engagement.ages import AGES
from bot.engagement.report_text import gained, number

#: Ratios at both ends of the interval plot; what lies outside is cut with an arrow.
LEAST, MOST = 0.25, 4.0
_WIDE, _HIGH = 200, 24
_TICKS = ((0.25, "¼×"), (0.5, "½×"), (1.0, "1×"), (2.0, "2×"), (4.0, "4×"))
#: Line chart: size and margins, in its own units; text stays readable on a phone at this size.
_W, _H, _LEFT, _RIGHT, _TOP, _BOTTOM = 380, 220, 34, 126, 12, 28
_LABEL_GAP = 13


def _svg(kind: str, wide: int, high: int, drawn: str, labels: str = "") -> Markup:
    """Return a drawing; without labels it is passed over, and numbers beside it say the same."""
    labels = labels or 'aria-hidden="true" focusable="false"'
    return Markup(  # noqa: S704 - built here of numbers and escaped names
        f'<svg class="{kind}" viewBox="0 0 {wide} {high}" {labels}>{drawn}</svg>'
    )


def _x(ratio: float) -> float:
    held = min(max(ratio, LEAST), MOST)
    share = math.log(held / LEAST) / math.log(MOST / LEAST)
    return round(6 + share * (_WIDE - 12), 1)


def _label(kind: str, x: float, y: float | str, text: str, anchor: str = "") -> str:
    end = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text class="{kind}" x="{x}" y="{y}"{end}>{escape(text)}</text>'


def interval(plot: tuple[float, float, float], trend: str) -> Markup:
    """Draw a ratio and its interval on a logarithmic scale; the numbers stand beside it."""
    (ratio, low, high), middle = plot, _HIGH / 2
    left = f'<path class="{trend}" d="M6 {middle}l6 -4v8z"/>' if low < LEAST else ""
    right = f'<path class="{trend}" d="M{_WIDE - 6} {middle}l-6 -4v8z"/>' if high > MOST else ""
    drawn = f'<path class="rule" d="M{_x(1)} 0V{_HIGH}"/>'
    drawn += f'<path class="span {trend}" d="M{_x(low)} {middle}H{_x(high)}"/>{left}{right}'
    drawn += f'<circle class="dot {trend}" cx="{_x(ratio)}" cy="{middle}" r="5"/>'
    return _svg("interval", _WIDE, _HIGH, drawn)


def interval_axis() -> Markup:
    """Draw the scale that `interval` stands on."""
    marks = "".join(
        f'<text x="{_x(at)}" y="14" text-anchor="middle">{label}</text>' for at, label in _TICKS
    )
    return _svg("interval axis", _WIDE, 18, marks)


def sparkline(growth: Sequence[float | None]) -> Markup:
    """Draw how a post grew from age to age; gaps are ages without numbers."""
    top = max((value for value in growth if value is not None), default=0) or 1
    step = 80 / max(1, len(growth) - 1)
    runs = _runs(
        "" if value is None else f"{2 + place * step:.1f} {20 - 16 * value / top:.1f}"
        for place, value in enumerate(growth)
    )
    paths = "".join(f'<path d="M{"L".join(run)}"/>' for run in runs if len(run) > 1)
    ends = (run[-1].split() for run in runs)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="2"/>' for x, y in ends)
    return _svg("spark", 84, 24, paths + dots)


def _runs(points: Iterable[str]) -> list[list[str]]:
    """Return the stretches of a line between its gaps, which are empty."""
    return [[*run] for is_drawn, run in groupby(points, bool) if is_drawn]


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over time, and the same in words for who cannot see them."""

    title: str
    text: str
    #: Name -> (place from 0 to 1, value), in order; None is a gap.
    series: Mapping[str, Sequence[tuple[float, float | None]]]
    ticks: Mapping[float, str]


def growth_chart(growth: Mapping[str, Sequence[float | None]]) -> Chart | None:
    """Return the mean engagements of a post by its age; None where nothing was read."""
    if all(value is None for values in growth.values() for value in values):
        return None
    at = [place / (len(AGES) - 1) for place in range(len(AGES))]
    text = "; ".join(
        f"{name}: {', '.join(number(value, 1) for value in values)}"
        for name, values in growth.items()
    )
    series = {name: tuple(zip(at, values, strict=True)) for name, values in growth.items()}
    return Chart("Engagements of a post by its age", text, series, dict(zip(at, AGES, strict=True)))


def follower_chart(followers: Mapping[str, Mapping[str, int]]) -> Chart | None:
    """Return the followers that each account gained by day; None where no day is known."""
    days = [date.fromisoformat(day) for counts in followers.values() for day in counts]
    if not days:
        return None
    first, last = min(days), max(days)
    span = max(1, (last - first).days)
    series = {
        name: [((date.fromisoformat(day) - first).days / span, count - start)
               for day, count in sorted(counts.items())]
        for name, counts in followers.items() if counts  # none of an account that is new
        for start in [counts[min(counts)]]
    }  # fmt: skip
    text = "; ".join(f"{name}: {number(gained(counts))}" for name, counts in followers.items())
    middle = first + (last - first) // 2
    ticks = {(day - first).days / span: f"{day.day} {day:%b}" for day in (first, middle, last)}
    return Chart("Followers gained", text, series, ticks)


def lines(id_: str, chart: Chart, names: Sequence[str] = ()) -> Markup:
    """Draw lines with their names at their ends, told apart by dashes as well as by colour.

    A name looks the same in all charts that are drawn with the same ``names``.
    """
    values = [value for points in chart.series.values() for _at, value in points
              if value is not None]  # fmt: skip
    bottom, top = min([0.0, *values]), nice(max(values, default=1.0))

    def x(share: float) -> float:
        return round(_LEFT + share * (_W - _LEFT - _RIGHT), 1)

    def y(value: float) -> float:
        return round(_H - _BOTTOM - (value - bottom) / (top - bottom) * (_H - _TOP - _BOTTOM), 1)

    drawn = []
    for value in (bottom + (top - bottom) * part / 4 for part in range(5)):
        drawn.append(f'<path class="grid" d="M{_LEFT} {y(value)}H{_W - _RIGHT}"/>')
        drawn.append(_label("tick", _LEFT - 5, y(value) + 4, _short(value), "end"))
    drawn += (_label("tick", x(at), _H - 9, text, "middle") for at, text in chart.ticks.items())
    ends = []
    for name, points in chart.series.items():
        place = (names or [*chart.series]).index(name)
        runs = _runs("" if value is None else f"{x(at)} {y(value)}" for at, value in points)
        if runs:
            path = "".join(f"M{'L'.join(run)}" for run in runs)
            drawn.append(f'<path class="line s{place % 6}" d="{path}"/>')
            ends.append((float(runs[-1][-1].split()[1]), place, name))
    # Each name stands at the end of its line, apart from the others.
    last, room = -math.inf, _H - _BOTTOM - _LABEL_GAP * len(ends)
    for end, place, name in sorted(ends):
        last = max(last + _LABEL_GAP, min(end + 4, room + _LABEL_GAP))
        drawn.append(_label(f"name s{place % 6}", _W - _RIGHT + 6, f"{last:.1f}", name))
    told = f'<title id="{id_}-title">{escape(chart.title)}</title>'
    told += f'<desc id="{id_}-desc">{escape(chart.text)}</desc>'
    labels = f'role="img" aria-labelledby="{id_}-title {id_}-desc"'
    return _svg("lines", _W, _H, told + "".join(drawn), labels)


def nice(value: float) -> float:
    """Round up to a number whose quarters read well: 4, 8, 20, 40, 100."""
    if value <= 0:
        return 4.0
    size = 10.0 ** math.floor(math.log10(value))
    return next(
        size * step for step in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10) if value <= size * step
    )


def _short(value: float) -> str:
    """Return a number as an axis shows it."""
    if abs(value) >= 1000:
        return f"{value / 1000:.1f}k".replace(".0k", "k")
    return f"{value:.0f}" if value == round(value) or abs(value) >= 10 else f"{value:.1f}"
