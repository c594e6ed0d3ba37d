"""The tool that draws the result of a query."""

from collections.abc import Sequence
from typing import Any, Final

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.files.file_info import Artifact
from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.data.chart import AxisKind, Chart, ChartKind, Series, svg_of
from runs.agent.tools.data.chart_scale import seconds_of
from runs.agent.tools.data.sandboxed_tables import ask_tables
from runs.agent.tools.registry import tool

MAX_BARS: Final = 40
MAX_POINTS: Final = 2000
MAX_SERIES: Final = 6
_MAX_ANSWER_BYTES: Final = 800_000
_TIMES: Final = ("DATE", "TIMESTAMP")
_NUMBERS: Final = ("INT", "DECIMAL", "DOUBLE", "FLOAT")


@tool(effect="read", layer="builtin", needs_files=True)
async def make_chart(  # noqa: PLR0917 - a tool is called by names
    sql: str, files: list[str], kind: ChartKind, x: str, y: list[str], title: str
) -> JsonObject:
    """Draw the result of one SELECT over the run's tables as a chart, an SVG file that is kept with the run.

    `bar` compares up to 40 things, `line` shows a course over a date, a number or ordered names, `scatter` how two
    numbers hang together. Aggregate and sort in the query: every row is drawn, and too many rows are refused.

    Args:
        sql: Exactly one SELECT, as for query_table.
        files: The names of the files that the query uses.
        kind: The kind of chart.
        x: The column of the result with the names of the bars, or the places on the horizontal axis.
        y: The columns of the result with the numbers, at most 6; each is a series of its own colour.
        title: What the chart shows, in a few words.
    """
    if not 1 <= len(y) <= MAX_SERIES:
        raise ToolFailed(f"A chart has 1 to {MAX_SERIES} columns of numbers, not {len(y)}.")
    most = MAX_BARS if kind == "bar" else MAX_POINTS
    answer = await ask_tables(files, do="query", sql=sql, most_rows=most, most_bytes=_MAX_ANSWER_BYTES)
    if answer["has_more"]:
        raise ToolFailed(f"The result has more than {most} rows, too many for a {kind} chart. Aggregate or limit it.")
    if not answer["rows"]:
        raise ToolFailed("The result has no rows: there is nothing to draw.")
    chart = _chart(kind, title, answer, x, y)
    made = Artifact(_file_name(title), "image/svg+xml", svg_of(chart).encode())
    result: JsonObject = {"chart": made, "points": len(chart.x_labels), "series": list(y)}
    return {**result, "notes": answer["notes"]} if answer["notes"] else result


def _file_name(title: str) -> str:
    words = "".join(each if each.isalnum() else " " for each in title[:60]).split()
    return f"{'-'.join(words).lower() or 'chart'}.svg"


def _chart(kind: ChartKind, title: str, answer: JsonObject, x: str, y: Sequence[str]) -> Chart:
    names: list[str] = answer["columns"]
    x_at, y_at = _place(names, x), [_place(names, each) for each in y]
    x_kind = _axis_kind(answer["types"][x_at])
    if kind == "scatter" and x_kind == "text":
        raise ToolFailed(f"A scatter chart needs numbers or dates on its horizontal axis; {x!r} has texts.")
    rows = [row for row in answer["rows"] if kind == "bar" or row[x_at] is not None]
    if kind == "bar":
        x_kind = "text"
    if not rows:
        raise ToolFailed(f"All values of {x!r} are empty: there is nothing to draw.")
    try:
        places = [_x_value(row[x_at], x_kind, number) for number, row in enumerate(rows)]
        series = [Series(name, [_number(row[at], name) for row in rows]) for name, at in zip(y, y_at, strict=True)]
    except (ValueError, OverflowError) as error:
        raise ToolFailed(f"A value cannot be drawn: {str(error)[:200]}.") from error
    labels = ["none" if row[x_at] is None else str(row[x_at]) for row in rows]
    chart = Chart(kind, title, x, x_kind, labels, places, series)
    return _in_order(chart) if kind == "line" and x_kind != "text" else chart


def _place(names: Sequence[str], name: str) -> int:
    for place, each in enumerate(names):
        if each.casefold() == name.casefold():
            return place
    raise ToolFailed(f"The result has no column {name!r}. There are: {', '.join(names[:30])}.")


def _axis_kind(type_: str) -> AxisKind:
    if type_.startswith(_TIMES):
        return "time"
    return "number" if type_.lstrip("U").startswith((*_NUMBERS, "BIGINT", "HUGEINT", "SMALLINT", "TINYINT")) else "text"


def _x_value(value: Any, kind: AxisKind, number: int) -> float:
    if kind == "text":
        return float(number)
    return seconds_of(value) if kind == "time" else _number(value, "x") or 0.0


def _number(value: Any, name: str) -> float | None:
    match value:
        case None:
            return None
        case bool() | list() | dict():
            raise ToolFailed(f"The column {name!r} has no numbers.")
        case str():
            try:
                number = float(value)  # a decimal with more digits than a float
            except ValueError:
                raise ToolFailed(f"The column {name!r} has no numbers, but for example {value[:40]!r}.") from None
        case _:
            number = float(value)
    if not abs(number) < 1e300:
        raise ToolFailed(f"The column {name!r} has the value {value}, which cannot be drawn.")
    return number


def _in_order(chart: Chart) -> Chart:
    """The chart with its places from left to right."""
    order = sorted(range(len(chart.x_values)), key=chart.x_values.__getitem__)
    return Chart(
        chart.kind,
        chart.title,
        chart.x_name,
        chart.x_kind,
        [chart.x_labels[place] for place in order],
        [chart.x_values[place] for place in order],
        [Series(series.name, [series.values[place] for place in order]) for series in chart.series],
    )
