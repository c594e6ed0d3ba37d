"""Units of measurement: exact conversion by pint, without its expression parser."""

import re
from difflib import get_close_matches
from fractions import Fraction
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pint import UnitRegistry

MAX_LENGTH = 60
"""Characters of a unit."""

_NAME = r"[^\W\d_](?:\w*[^\W\d])?"
_FACTOR = rf"{_NAME}(?: ?(?:\^|\*\*)? ?-?[1-9])?"
_UNIT = re.compile(rf"(?:1 ?/ ?)?{_FACTOR}(?: ?[*/] ?{_FACTOR})*")
"""The units passed to pint: names with exponents of one digit, multiplied and divided. pint itself would compute
`m**9**9**9` until memory runs out."""

_TEMPERATURE_LETTERS = {"F": "degF", "f": "degF", "C": "degC", "c": "degC", "K": "kelvin", "k": "kelvin"}
_TEMPERATURES = {"degF", "degC", "kelvin", "fahrenheit", "celsius", "rankine", "degree_Fahrenheit", "degree_Celsius"}
_SYNONYMS = {
    "°f": "degF",
    "°c": "degC",
    "degrees fahrenheit": "degF",
    "degrees celsius": "degC",
    "degree fahrenheit": "degF",
    "degree celsius": "degC",
    "degrees c": "degC",
    "degrees f": "degF",
    "centigrade": "degC",
    "sqm": "m**2",
    "sqft": "ft**2",
    "kmh": "km/hour",
    "km/h": "km/hour",
    "kph": "km/hour",
    "fl oz": "fluid_ounce",
    "floz": "fluid_ounce",
    "fluid ounce": "fluid_ounce",
    "fluid ounces": "fluid_ounce",
    "kb": "kilobyte",
    "nautical miles": "nautical_mile",
    "nautical mile": "nautical_mile",
    "light years": "light_year",
    "light year": "light_year",
    "tonnes": "metric_ton",
    "tonne": "metric_ton",
    "stones": "stone",
    "mins": "minute",
    "hrs": "hour",
    "secs": "second",
    "lbs": "pound",
}
_NAME_OF_KIND = {
    "m": "length",
    "m**2": "area",
    "m**3": "volume",
    "kg": "mass",
    "s": "time",
    "kelvin": "temperature",
    "m/s": "speed",
    "m/s**2": "acceleration",
    "N": "force",
    "J": "energy",
    "W": "power",
    "Pa": "pressure",
    "Hz": "frequency",
    "radian/s": "rotation",
    "radian": "angle",
    "bit": "data",
    "bit/s": "data rate",
    "ampere": "current",
    "volt": "voltage",
    "coulomb": "electric charge",
    "farad": "capacitance",
    "mol": "amount of substance",
}
_REGISTRY_LOCK = Lock()


class UnitFault(ValueError):
    """The conversion is impossible. The message says why, and what to write instead."""


def convert(value: float, from_unit: str, to_unit: str) -> int | float:
    """The value in the other unit, the nearest float to the exact result; an int if it is whole. Raises `UnitFault`.

    Blocks for about a third of a second the first time, or until `prepare` is done: call it in a thread.
    """
    from pint.errors import PintError

    source, target = _temperature_letters(_spelling(from_unit), _spelling(to_unit))
    registry = _registry()
    before, after = _known(source, registry), _known(target, registry)
    if _kind(before, registry) != _kind(after, registry):
        raise UnitFault(_incompatible(from_unit, before, to_unit, after, registry))
    try:
        amount = registry.Quantity(Fraction(str(value)), before).to(after).magnitude
    except (PintError, ArithmeticError, ValueError, TypeError) as error:
        # TypeError: logarithmic units such as dB cannot be computed with fractions.
        raise UnitFault(
            f"{value} {from_unit} cannot be converted to {to_unit}: no plain factor connects them."
        ) from error
    return _as_json(amount)


def prepare() -> None:
    """Import pint and create its registry, once. Blocks meanwhile."""
    _registry()


@lru_cache(maxsize=1)
def _made_registry() -> "UnitRegistry[Any]":
    from pint import UnitRegistry

    registry: UnitRegistry[Any] = UnitRegistry(non_int_type=Fraction, on_redefinition="ignore")
    # pint still derives these from the US survey foot, which was retired at the end of 2022.
    for definition in ("acre = 4840 * yard ** 2", "furlong = 220 * yard", "fathom = 6 * foot"):
        registry.define(definition)
    return registry


def _registry() -> "UnitRegistry[Any]":
    with _REGISTRY_LOCK:  # lru_cache alone would let two threads create one each
        return _made_registry()


def _spelling(unit: str) -> str:
    """The unit in pint's spelling. Raises `UnitFault` if the text is not a unit."""
    text = " ".join(unit.replace("²", "^2").replace("³", "^3").replace("·", "*").replace("° ", "°").split())
    if synonym := _SYNONYMS.get(text.lower()):
        return synonym
    text = re.sub(r"\b(?:square|sq\.?) (\w+)", r"\1**2", text)
    text = re.sub(r"\b(?:cubic|cu\.?) (\w+)", r"\1**3", text)
    text = re.sub(r" per ", "/", text)
    if len(text) > MAX_LENGTH or not _UNIT.fullmatch(text):
        raise UnitFault(f"{unit[:MAX_LENGTH]!r} is not a unit. Write one such as 'km', 'degC', 'm**2' or 'km/hour'.")
    return re.sub(r"(?<=[^\W\d]) ?\^? ?(-?\d)\b", r"**\1", text.replace("**", "^"))


def _temperature_letters(source: str, target: str) -> tuple[str, str]:
    """F and C as degrees, not farad and coulomb, if the other unit is a temperature, F or C."""
    read = {unit: _TEMPERATURE_LETTERS.get(unit, unit) for unit in (source, target)}
    if all(unit in _TEMPERATURES or unit.lower() in _TEMPERATURES for unit in read.values()):
        return read[source], read[target]
    return source, target


def _known(unit: str, registry: "UnitRegistry[Any]") -> Any:
    from pint.errors import PintError

    for spelling in (unit, unit.lower()):
        # Lower case is tried for words only: MB and mb are different units.
        if spelling == unit or len(unit) > 3:
            try:
                return registry.parse_units(spelling)
            except (PintError, ValueError, TypeError, AttributeError):
                continue
    near = get_close_matches(unit.lower(), [name for name in registry if not name.startswith("_")], n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else " Write it in English, such as 'km', 'pound' or 'degC'."
    raise UnitFault(f"The unit {unit!r} is not known.{hint}")


def _kind(unit: Any, registry: "UnitRegistry[Any]") -> Any:
    """The root units, which are finer than pint's dimensions: by those a byte is an angle, and 60 rpm are 6.3 Hz."""
    return registry.get_root_units(unit)[1]


def _incompatible(from_unit: str, before: Any, to_unit: str, after: Any, registry: "UnitRegistry[Any]") -> str:
    names = {_kind(registry.parse_units(unit), registry): name for unit, name in _NAME_OF_KIND.items()}
    source, target = (names.get(_kind(unit, registry), "something else") for unit in (before, after))
    return (
        f"{from_unit!r} measures {source} and {to_unit!r} measures {target}, so neither can be converted to the other."
    )


def _as_json(amount: Fraction | float) -> int | float:
    exact = Fraction(amount)
    if exact.denominator == 1:
        return exact.numerator
    return float(f"{float(exact):.15g}")
