"""Bar, line and scatter charts as SVG: no script, no fetch, readable on light and dark pages.

Our own writer, since chart libraries bring matplotlib's size or inline scripts for what is 100 lines here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from runs.agent.tools.data.chart_scale import Scale, linear_scale, number_text, time_scale
from runs.agent.tools.data.svg import element, shortened, text_of

ChartKind = Literal["bar", "line", "scatter"]
AxisKind = Literal["text", "number", "time"]
COLOURS: Final = ("#4549c0", "#b45309", "#0f766e", "#be185d", "#4d7c0f", "#64748b")
_COLOURS_ON_DARK: Final = ("#a9adff", "#f5b461", "#5eead4", "#f9a8d4", "#bef264", "#cbd5e1")
_PAPER, _INK, _QUIET, _LINE = "#ffffff", "#17181c", "#575b66", "#d5d8e0"
# Without the style, where a page forbids it, the chart is a light card with dark text.
_STYLE: Final = (
    "text{font-family:system-ui,sans-serif}"
    "@media(prefers-color-scheme:dark){.paper{fill:#15171b}.ink{fill:#e9eaee}.quiet{fill:#a0a5b1}.grid{stroke:#2a2e35}"
    + "".join(f".f{i}{{fill:{c}}}.s{i}{{stroke:{c}}}" for i, c in enumerate(_COLOURS_ON_DARK))
    + "}"
)
WIDTH: Final = 720
_HEIGHT: Final = 400
_TOP, _RIGHT, _BOTTOM = 64, 24, 48
_BAR: Final = 16
_LABELS: Final = 150
_LONGEST_TITLE: Final = 200
_TOLD: Final = 20
"""Values that the description names."""


@dataclass(frozen=True, slots=True)
class Series:
    """One row of values, a value for each x; None where there is none."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn."""

    kind: ChartKind
    title: str
    x_name: str
    x_kind: AxisKind
    x_labels: Sequence[str]
    """What x is called at each place."""
    x_values: Sequence[float]
    """Where it is, for numbers and times; the number of the place for texts."""
    series: Sequence[Series]


def svg_of(chart: Chart) -> str:
    """The chart as an SVG document."""
    body, height = _bars(chart) if chart.kind == "bar" else _points(chart)
    title, description = text_of(chart.title[:_LONGEST_TITLE]), text_of(_description(chart))
    parts = [
        element("title", title, id="title"),
        element("desc", description, id="desc"),
        element("style", _STYLE),
        element("rect", width=WIDTH, height=height, rx=6, fill=_PAPER, class_="paper"),
        _text(shortened(chart.title, WIDTH - 48, 16), 24, 28, size=16, ink=True, weight="600"),
        *_legend(chart),
        *body,
    ]
    return element(
        "svg",
        parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {height}",
        width=WIDTH,
        height=height,
        role="img",
        aria_labelledby="title desc",
    )


def _description(chart: Chart) -> str:
    kind = {"bar": "Bar chart", "line": "Line chart", "scatter": "Scatter plot"}[chart.kind]
    names = ", ".join(series.name for series in chart.series)
    pairs = [
        f"{label}: {', '.join('none' if value is None else number_text(value) for value in values)}"
        for label, *values in zip(
            chart.x_labels[:_TOLD], *(series.values[:_TOLD] for series in chart.series), strict=True
        )
    ]
    more = f"; and {len(chart.x_labels) - _TOLD} more" if len(chart.x_labels) > _TOLD else ""
    return f"{kind} of {names} by {chart.x_name}. {'; '.join(pairs)}{more}."[:4000]


def _text(
    text: str, x: float, y: float, *, size: float = 12, anchor: str = "start", ink: bool = False, weight: str = "400"
) -> str:
    return element(
        "text",
        text_of(text),
        x=x,
        y=y,
        font_size=size,
        font_weight=weight,
        font_family="system-ui, sans-serif",
        text_anchor=anchor,
        fill=_INK if ink else _QUIET,
        class_="ink" if ink else "quiet",
    )


def _legend(chart: Chart) -> list[str]:
    """The names of the series, each with its colour; only the name of the values if there is one series."""
    if len(chart.series) == 1:
        return [_text(shortened(chart.series[0].name, WIDTH - 48), 24, 48)]
    each = (WIDTH - 48) / len(chart.series)
    made = []
    for place, series in enumerate(chart.series):
        x = 24 + place * each
        made.append(element("rect", x=x, y=39, width=10, height=10, fill=COLOURS[place], class_=f"f{place}"))
        made.append(_text(shortened(series.name, each - 24), x + 16, 48))
    return made


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=_LINE, class_="grid")


def _bars(chart: Chart) -> tuple[list[str], float]:
    """Horizontal bars, whose names have room, and the height of the chart."""
    group = len(chart.series) * _BAR + 8
    bottom = _TOP + group * len(chart.x_labels)
    values = [value for series in chart.series for value in series.values if value is not None] or [0.0]
    scale = linear_scale(values, _LABELS + 36, WIDTH - _RIGHT - 60, has_zero=True)
    made = [_line(scale.at(tick), _TOP - 4, scale.at(tick), bottom) for tick in scale.ticks]
    made += [_text(number_text(tick), scale.at(tick), bottom + 18, anchor="middle", size=11) for tick in scale.ticks]
    for place, label in enumerate(chart.x_labels):
        top = _TOP + place * group
        middle = top + len(chart.series) * _BAR / 2 + 4
        made.append(_text(shortened(label, _LABELS), _LABELS + 24, middle, anchor="end", ink=True))
        for number, series in enumerate(chart.series):
            made += _bar(scale, series.values[place], top + number * _BAR, number)
    return made, bottom + _BOTTOM - 18


def _bar(scale: Scale, value: float | None, top: float, number: int) -> list[str]:
    if value is None:
        return [_text("none", scale.at(0) + 6, top + 12, size=11)]
    begin, end = sorted((scale.at(0), scale.at(value)))
    bar = element(
        "rect", x=begin, y=top + 1, width=end - begin, height=_BAR - 2, fill=COLOURS[number], class_=f"f{number}"
    )
    return [bar, _text(number_text(value), end + 6, top + 12, size=11, ink=True)]


def _points(chart: Chart) -> tuple[list[str], float]:
    """Lines or points over an axis of texts, numbers or times, and the height of the chart."""
    left, right, bottom = 84.0, WIDTH - _RIGHT - 12.0, _HEIGHT - _BOTTOM
    values = [value for series in chart.series for value in series.values if value is not None] or [0.0]
    y = linear_scale(values, bottom, _TOP, has_zero=False)
    x, ticks = _x_axis(chart, left, right)
    made = [_line(left, y.at(tick), right, y.at(tick)) for tick in y.ticks]
    made += [_text(number_text(tick), left - 8, y.at(tick) + 4, anchor="end", size=11) for tick in y.ticks]
    made += [
        _text(
            shortened(label, (right - left) / max(1, len(ticks)), 11), x.at(at), bottom + 18, anchor="middle", size=11
        )
        for at, label in ticks
    ]
    made.append(_text(shortened(chart.x_name, right - left), (left + right) / 2, bottom + 38, anchor="middle"))
    for number, series in enumerate(chart.series):
        places = [
            None if value is None else (x.at(at), y.at(value))
            for at, value in zip(chart.x_values, series.values, strict=True)
        ]
        made += _dots(places, number) if chart.kind == "scatter" else _path(places, number)
    return made, _HEIGHT


def _x_axis(chart: Chart, left: float, right: float) -> tuple[Scale, list[tuple[float, str]]]:
    """The scale of x, and the places and words of its ticks."""
    if chart.x_kind == "number":
        scale = linear_scale(chart.x_values, left, right, has_zero=False)
        return scale, [(tick, number_text(tick)) for tick in scale.ticks]
    scale = time_scale(chart.x_values, left, right)
    named = dict(zip(chart.x_values, chart.x_labels, strict=True))
    return scale, [(tick, named[tick]) for tick in scale.ticks if tick in named]


Place = tuple[float, float] | None


def _dots(places: Sequence[Place], number: int) -> list[str]:
    return [
        element("circle", cx=place[0], cy=place[1], r=3.5, fill=COLOURS[number], fill_opacity=0.75, class_=f"f{number}")
        for place in places
        if place is not None
    ]


def _path(places: Sequence[Place], number: int) -> list[str]:
    """A line through the places, broken where a value is missing; a place alone is a dot."""
    made = []
    for is_there, run in groupby(places, key=lambda place: place is not None):
        points = [place for place in run if place is not None]
        if not is_there:
            continue
        if len(points) == 1:
            made += _dots(points, number)
            continue
        path = " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
        made.append(
            element("polyline", points=path, fill="none", stroke=COLOURS[number], stroke_width=2, class_=f"s{number}")
        )
    return made
