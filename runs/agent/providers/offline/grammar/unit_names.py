"""The units that the planner knows, with all their spellings."""

from dataclasses import dataclass

# kind, then: pint's name = further spellings. Ambiguous names are left out on purpose: ton, calorie, mb.
_TABLE = """
temperature
    degF = °f, f, fahrenheit, degrees fahrenheit, degree fahrenheit, degrees f, deg f
    degC = °c, c, celsius, degrees celsius, degree celsius, degrees c, deg c, centigrade, degrees centigrade
    kelvin = k, kelvins, degrees kelvin
length
    m = meter, meters, metre, metres
    km = kilometer, kilometers, kilometre, kilometres, kms
    cm = centimeter, centimeters, centimetre, centimetres, cms
    mm = millimeter, millimeters, millimetre, millimetres
    micrometer = micrometers, micrometre, micrometres, micron, microns, um, µm, μm
    nm = nanometer, nanometers, nanometre, nanometres
    mile = miles, mi
    yard = yards, yd, yds
    foot = feet, ft
    inch = inches, in
    nautical_mile = nautical mile, nautical miles, nmi
    light_year = light year, light years, lightyear, lightyears, ly
    parsec = parsecs
mass
    kg = kilogram, kilograms, kilogramme, kilogrammes, kilo, kilos, kgs
    g = gram, grams, gramme, grammes
    mg = milligram, milligrams
    microgram = micrograms, µg, μg
    pound = pounds, lb, lbs
    ounce = ounces, oz
    stone = stones
    metric_ton = tonne, tonnes, metric ton, metric tons
    short_ton = short ton, short tons, us ton, us tons
    long_ton = long ton, long tons
    carat = carats
time
    s = second, seconds, sec, secs
    ms = millisecond, milliseconds
    microsecond = microseconds, µs, μs
    ns = nanosecond, nanoseconds
    minute = minutes, min, mins
    hour = hours, h, hr, hrs
    day = days
    week = weeks
    fortnight = fortnights
calendar
    month = months
    year = years
    century = centuries
area
    m**2 = square meter, square meters, square metre, square metres, m2, m², m^2, sqm, sq m
    km**2 = square kilometer, square kilometers, square kilometre, square kilometres, km2, km², km^2
    cm**2 = square centimeter, square centimeters, cm2, cm²
    ft**2 = square foot, square feet, sqft, sq ft, ft2, ft²
    inch**2 = square inch, square inches, sq in
    mile**2 = square mile, square miles
    yard**2 = square yard, square yards
    hectare = hectares, ha
    acre = acres
volume
    liter = liters, litre, litres, l
    ml = milliliter, milliliters, millilitre, millilitres
    cl = centiliter, centiliters, centilitre, centilitres
    m**3 = cubic meter, cubic meters, cubic metre, cubic metres, m3, m³
    cm**3 = cubic centimeter, cubic centimeters, cm3, cm³
    ft**3 = cubic foot, cubic feet
    gallon = gallons, gal, us gallon, us gallons
    imperial_gallon = imperial gallon, imperial gallons, uk gallon, uk gallons
    quart = quarts
    pint = pints
    cup = cups
    fluid_ounce = fluid ounce, fluid ounces, fl oz
    tablespoon = tablespoons, tbsp
    teaspoon = teaspoons, tsp
speed
    km/hour = km/h, kmh, kph, kilometers per hour, kilometres per hour, km per hour, kilometer per hour
    mile/hour = mph, miles per hour, mile per hour
    m/s = meters per second, metres per second, m per second, meter per second
    ft/s = feet per second
    knot = knots
energy
    joule = joules, j
    kJ = kilojoule, kilojoules, kj
    kcal = kilocalorie, kilocalories
    kWh = kwh, kilowatt hour, kilowatt hours, kilowatt-hours
    watt_hour = wh, watt hours
power
    watt = watts, w
    kW = kw, kilowatt, kilowatts
    horsepower = hp
pressure
    pascal = pascals, pa
    kPa = kpa, kilopascal, kilopascals
    bar = bars
    psi =
    atm = atmosphere, atmospheres
angle
    degree = degrees, °
    radian = radians, rad
data
    bit = bits
    byte = bytes
    kilobyte = kilobytes, kb
    megabyte = megabytes
    gigabyte = gigabytes, gb
    terabyte = terabytes, tb
    kibibyte = kibibytes, kib
    mebibyte = mebibytes, mib
    gibibyte = gibibytes, gib
"""
# Here the case distinguishes the units: megabyte, megabit.
_EXACT = {"MB": "megabyte", "Mb": "megabit", "Mbit": "megabit", "Gb": "gigabit"}
_US = frozenset({"gallon", "quart", "pint", "cup", "fluid_ounce", "tablespoon", "teaspoon"})


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: its name for the tool, the quantity it measures, and a note for the answer."""

    name: str
    kind: str
    note: str = ""


def _read_table() -> dict[str, Unit]:
    units: dict[str, Unit] = {}
    kind = ""
    for line in filter(None, _TABLE.splitlines()):
        if not line.startswith(" "):
            kind = line
            continue
        name, _, spellings = line.partition("=") if "**" not in line else line.partition(" =")
        name = name.strip()
        note = "US measure" if name in _US else ""
        note = (
            "counted in thousands; for 1024 write KiB, MiB, GiB" if kind == "data" and name.endswith("byte") else note
        )
        for spelling in [name, *spellings.split(",")]:
            units[spelling.strip(" =").lower()] = Unit(name, kind, note if "bi" not in name else "")
    units.pop("", None)
    return units


_UNITS = _read_table()


def unit_named(words: str) -> Unit | None:
    """The unit with this spelling; None if it is unknown or ambiguous."""
    words = " ".join(words.split())
    if words in {"mb", "Mb", "MB", "Mbit", "Gb"}:
        return Unit(_EXACT[words], "data") if words in _EXACT else None
    return _UNITS.get(words.lower())


def known_units() -> frozenset[Unit]:
    """Every unit of the table."""
    return frozenset(_UNITS.values())
