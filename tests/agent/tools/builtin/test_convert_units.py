"""Unit conversion: exact, and refusing anything that is not a unit."""

import math
import time

import pytest

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.providers.offline.grammar.unit_names import known_units
from runs.agent.tools.builtin.convert_units import convert_units
from runs.agent.tools.registry import execute_tool_by_name


@pytest.mark.parametrize(
    ("value", "source", "target", "result"),
    [
        (72, "degF", "degC", 22.2222222222222),
        (212, "degF", "degC", 100),
        (-40, "C", "F", -40),
        (0, "kelvin", "degC", -273.15),
        (98.6, "°F", "°C", 37),
        (2, "meters", "feet", 6.56167979002625),
        (84, "miles", "km", 135.184896),
        (1, "day", "seconds", 86400),
        (5, "square meters", "ft²", 53.8195520835486),
        (60, "kilometers per hour", "mph", 37.28227153424),
        (1, "acre", "m**2", 4046.8564224),
        (1, "KB", "byte", 1000),
        (1, "Mbit/s", "MB/s", 0.125),
        (0.1, "m", "cm", 10),
        (1, "1/s", "Hz", 1),
    ],
)
def test_conversions_are_exact(value: float, source: str, target: str, result: float) -> None:
    converted = convert_units(value, source, target)

    assert converted == result
    assert type(converted) is type(result)


@pytest.mark.parametrize(
    ("source", "target", "hint"),
    [
        ("kg", "meters", "'kg' measures mass and 'meters' measures length"),
        ("rpm", "Hz", "'rpm' measures rotation"),
        ("bits", "radians", "'bits' measures data"),
        ("mile", "kilometr", "Did you mean kilometer"),
        ("florps", "km", "'florps' is not known"),
        ("usd", "eur", "'usd' is not known"),
        ("dB", "W", "neither can be converted"),
    ],
)
def test_an_impossible_conversion_says_why(source: str, target: str, hint: str) -> None:
    with pytest.raises(ToolFailed) as failure:
        convert_units(1, source, target)

    assert hint in str(failure.value)


@pytest.mark.parametrize(
    "text",
    [
        "m**9**9**9",
        "m**99999999",
        "2*m",
        "m.__class__",
        "__import__('os')",
        "m; m",
        "m" * 100,
        "",
        "(m)",
        "m+m",
        "lambda: m",
    ],
)
def test_only_units_reach_the_library(text: str) -> None:
    convert_units(1, "m", "km")
    started = time.process_time()

    with pytest.raises(ToolFailed):
        convert_units(1, text, "km")

    assert time.process_time() - started < 0.1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e301])
def test_a_value_beyond_all_measure_is_refused(value: float) -> None:
    with pytest.raises(ToolFailed):
        convert_units(value, "m", "km")


async def test_the_registered_tool_converts_what_json_gives() -> None:
    assert await execute_tool_by_name("convert_units", value=72, from_unit="F", to_unit="C") == 22.2222222222222


REFERENCE = {
    "temperature": "kelvin",
    "length": "m",
    "mass": "kg",
    "time": "s",
    "calendar": "year",
    "area": "m**2",
    "volume": "m**3",
    "speed": "m/s",
    "energy": "J",
    "power": "W",
    "pressure": "Pa",
    "angle": "radian",
    "data": "bit",
}


@pytest.mark.parametrize("unit", sorted(known_units(), key=str), ids=lambda unit: unit.name)
def test_every_unit_the_planner_knows_measures_what_the_planner_thinks(unit) -> None:
    assert convert_units(1, unit.name, REFERENCE[unit.kind]) > 0
    if unit.name.isalpha() and len(unit.name) > 3:
        assert convert_units(1, f"{unit.name}s", unit.name) == 1
