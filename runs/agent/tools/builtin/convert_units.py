"""The unit conversion tool."""

import math

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools.builtin.unit_conversion import UnitFault, convert
from runs.agent.tools.registry import tool

MAX_VALUE = 1e300
"""Beyond this a conversion may leave the range of a float."""


@tool(effect="pure", layer="builtin")
def convert_units(value: float, from_unit: str, to_unit: str) -> int | float:
    """Convert a value from one unit to another and return the number.

    Knows length, mass, time, temperature, area, volume, speed, energy, power, pressure, data and angle.

    Args:
        value: How many of `from_unit`.
        from_unit: The unit it is in, such as 'degF', 'miles', 'm**2' or 'km/hour'. US gallons, cups and fluid ounces.
        to_unit: The unit wanted, of the same kind.
    """
    if not math.isfinite(value) or abs(value) > MAX_VALUE:
        raise ToolFailed(f"{value} is not a value that can be converted. Give a number below {MAX_VALUE:g}.")
    try:
        return convert(value, from_unit, to_unit)
    except UnitFault as error:
        raise ToolFailed(str(error)) from error
