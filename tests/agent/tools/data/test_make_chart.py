"""Charts of a query's result."""

from xml.etree import ElementTree as ET

import pytest

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.files.access import files_context
from runs.agent.files.file_info import Artifact
from runs.agent.tools.data.chart import ChartKind
from runs.agent.tools.data.make_chart import make_chart
from tests.agent.files.memory_files import MemoryFiles

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>alert(1)</script>\"'&\x07\u202e"
SALES = (
    "region,day,amount,share\nNorth,2024-01-01,10.5,0.5\nSouth,2024-02-01,-4,0.25\nEast,2024-04-01,,0.125\n"
    f'"{HOSTILE.replace(chr(34), chr(34) * 2)}",2024-03-01,100,0.1\n'
).encode()


async def chart(
    sql: str = "FROM sales", kind: ChartKind = "bar", x: str = "region", y: tuple[str, ...] = ("amount",), title="A"
):
    with files_context(MemoryFiles({"sales.csv": SALES})):
        result = await make_chart(sql=sql, files=["sales.csv"], kind=kind, x=x, y=list(y), title=title)
    artifact = result["chart"]
    assert isinstance(artifact, Artifact)
    assert artifact.media_type == "image/svg+xml"
    return result, ET.fromstring(artifact.content.decode())  # noqa: S314 - our own


def drawn(svg: ET.Element, name: str) -> list[dict[str, str]]:
    return [dict(each.attrib) for each in svg.iter(f"{SVG}{name}") if each.get("class") != "paper"]


async def test_a_bar_begins_at_zero_and_is_as_long_as_its_value():
    _, svg = await chart()

    bars = drawn(svg, "rect")
    widths = [float(bar["width"]) for bar in bars]
    assert len(bars) == 3  # nothing is drawn for the empty value
    assert widths[0] / widths[2] == pytest.approx(10.5 / 100, rel=0.01)
    negative, positive = bars[1], bars[0]
    assert float(negative["x"]) + float(negative["width"]) == pytest.approx(float(positive["x"]), abs=0.02)


async def test_a_chart_has_a_title_a_description_and_the_values_as_text():
    result, svg = await chart(title="Amount <by> region")

    assert svg.get("role") == "img"
    assert svg.findtext(f"{SVG}title") == "Amount <by> region"
    description = svg.findtext(f"{SVG}desc") or ""
    assert description.startswith("Bar chart of amount by region. North: 10.5; South: -4; East: none; ")
    assert result["chart"].name == "amount-by-region.svg"
    assert {"10.5", "-4", "100", "none"} <= {each.text for each in svg.iter(f"{SVG}text")}


async def test_texts_are_escaped_and_nothing_runs_or_is_fetched():
    result, svg = await chart(title=HOSTILE)

    assert {each.tag.removeprefix(SVG) for each in svg.iter()} == {
        *("svg", "title", "desc", "style", "rect", "line", "text"),
    }  # fmt: skip
    content = result["chart"].content.decode()
    assert not any(word in content for word in ("<script", "href", "url(", "@import", "\x07"))
    assert all(not name.startswith("on") for each in svg.iter() for name in each.attrib)


async def test_a_line_is_in_the_order_of_time_and_broken_where_a_value_is_missing():
    _, svg = await chart(kind="line", x="day")

    [line] = drawn(svg, "polyline")
    places = [tuple(map(float, point.split(","))) for point in line["points"].split()]
    xs = [x for x, _ in places]
    assert xs == sorted(xs)
    assert len(places) == 3  # January to March; April has no value
    assert (xs[1] - xs[0]) / (xs[2] - xs[1]) == pytest.approx(31 / 29, rel=0.01)


async def test_a_value_alone_between_missing_ones_is_a_dot():
    sql = "SELECT * FROM (VALUES (1, 5), (2, NULL), (3, 6), (4, NULL)) AS v(n, m)"

    _, svg = await chart(sql, kind="line", x="n", y=("m",))

    assert (len(drawn(svg, "polyline")), len(drawn(svg, "circle"))) == (0, 2)


async def test_points_of_a_scatter_plot_stand_at_their_values():
    _, svg = await chart(
        "SELECT amount, share FROM sales WHERE amount IS NOT NULL", kind="scatter", x="amount", y=("share",)
    )

    xs = [float(circle["cx"]) for circle in drawn(svg, "circle")]
    assert (xs[2] - xs[0]) / (xs[0] - xs[1]) == pytest.approx(89.5 / 14.5, rel=0.01)


async def test_several_series_have_colours_and_a_legend():
    _, svg = await chart(y=("amount", "share"))

    assert len({bar["fill"] for bar in drawn(svg, "rect")}) == 2
    assert {"amount", "share"} <= {each.text for each in svg.iter(f"{SVG}text")}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ("(1, 2)", None),
        ("(1, 0)", None),
        ("(1, 5), (2, 5)", None),
        ("(1, 1e-300), (2, 1e-301)", None),
        ("(1, 1e299), (2, -1e299)", None),
        ("(1, 12345678901234567890.12::DECIMAL(38, 2))", None),
        ("(1, 170141183460469231731687303715884105727)", None),
        ("(1, 'inf'::DOUBLE)", "cannot be drawn"),
        ("(1, 'nan'::DOUBLE)", "cannot be drawn"),
        ("(1, 'x')", "has no numbers, but for example 'x'"),
        ("(1, true)", "has no numbers"),
        ("(1, NULL)", None),
        ("(NULL, 1)", "All values of 'n' are empty"),
    ],
)
async def test_odd_values_are_drawn_or_refused(values, says):
    sql = f"SELECT * FROM (VALUES {values}) AS v(n, m)"
    if says is None:
        await chart(sql, kind="scatter", x="n", y=("m",))
        return

    with pytest.raises(ToolFailed, match=says):
        await chart(sql, kind="line", x="n", y=("m",))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"x": "nowhere"}, r"no column 'nowhere'\. There are: region, day, amount, share"),
        ({"y": ()}, "1 to 6 columns"),
        ({"y": ("amount",) * 7}, "1 to 6 columns"),
        ({"kind": "scatter"}, "needs numbers or dates"),
        ({"sql": "SELECT region, amount FROM sales, range(20)"}, "more than 40 rows"),
        ({"sql": "SELECT 1 AS region, i AS amount FROM range(2001) r(i)", "kind": "line"}, "more than 2000 rows"),
        ({"sql": "FROM sales WHERE false"}, "no rows"),
    ],
)
async def test_what_cannot_be_drawn_is_refused_with_what_to_do(arguments, says):
    with pytest.raises(ToolFailed, match=says):
        await chart(**arguments)


async def test_the_largest_chart_is_bounded():
    sql = "SELECT i AS a, " + ", ".join(f"i * {n}.123456789 AS s{n}" for n in range(1, 7)) + " FROM range(2000) r(i)"

    result, _ = await chart(sql, kind="scatter", x="a", y=tuple(f"s{n}" for n in range(1, 7)))

    assert len(result["chart"].content) < 1_500_000
