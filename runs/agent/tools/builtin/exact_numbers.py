"""The operators and functions of the calculator: exact on fractions where possible, and always bounded."""

import math
from collections.abc import Callable
from fractions import Fraction
from functools import reduce

Number = Fraction | float

MAX_BITS = 14_000
"""Size limit of numerator and denominator: 4214 digits, just below Python's limit of 4300 for printing."""


class TooLarge(ValueError):
    """A number exceeds the calculator's limits."""

    def __init__(self, message: str = f"A number here has more than {MAX_BITS} bits (4214 digits).") -> None:
        super().__init__(message)


def check_size(value: Number) -> Number:
    """Return the value. Raises `TooLarge` for too many bits, infinity or NaN, `ValueError` for a complex number."""
    if isinstance(value, complex):
        raise ValueError("The result is not a real number.")  # noqa: TRY004 - it is about the value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TooLarge("A number here is too large for decimals.")
    elif _bits(value) > MAX_BITS:
        raise TooLarge
    return value


def product(left: Number, right: Number) -> Number:
    """The product of two numbers. Raises `TooLarge` before computing one that is too large."""
    if isinstance(left, Fraction) and isinstance(right, Fraction) and _bits(left) + _bits(right) > 2 * MAX_BITS:
        raise TooLarge
    return left * right


def power(base: Number, exponent: Number) -> Number:
    """The base to the power of the exponent: exact for whole exponents, a float otherwise."""
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        times = exponent.numerator
        # An n-bit number to the power k has more than (n - 1) * k bits. 0, 1 and -1 stay as small as they are.
        if abs(base) != 1 and base != 0 and (_bits(base) - 1) * abs(times) > MAX_BITS:
            raise TooLarge
        if abs(base) == 1:
            times %= 2
        return base**times
    if base < 0:
        raise ValueError("A negative number has no real power that is not whole.")
    return math.pow(base, exponent)


def shift_left(value: Number, places: Number) -> Number:
    """The value shifted left, for whole numbers."""
    whole, count = _whole(value, "<<"), _whole(places, "<<")
    if count < 0 or whole.bit_length() + count > MAX_BITS:
        raise TooLarge
    return Fraction(whole << count)


def shift_right(value: Number, places: Number) -> Number:
    """The value shifted right, for whole numbers."""
    whole, count = _whole(value, ">>"), _whole(places, ">>")
    if not 0 <= count <= MAX_BITS:
        raise TooLarge
    return Fraction(whole >> count)


def rounded(value: Number, digits: Number = Fraction(0)) -> Number:
    """The value rounded to `digits` decimals, halves away from zero."""
    places = _whole(digits, "round")
    if abs(places) > 100:
        raise TooLarge("round() takes at most 100 digits.")
    scale = Fraction(10) ** places
    scaled = Fraction(value) * scale
    whole = math.floor(abs(scaled) + Fraction(1, 2))
    return Fraction(whole if scaled >= 0 else -whole) / scale


def square_root(value: Number) -> Number:
    """The square root, exact if it is a fraction."""
    if value < 0:
        raise ValueError("A negative number has no real square root.")
    if isinstance(value, Fraction):
        exact = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
        if exact * exact == value:
            return exact
    return math.sqrt(value)


def cube_root(value: Number) -> Number:
    """The cube root, exact if it is a whole number."""
    root = math.cbrt(value)
    nearest = Fraction(round(root))
    return nearest if nearest**3 == value else root


def factorial(value: Number) -> Number:
    """The product of 1 to value."""
    whole = _whole(value, "factorial")
    if whole < 0:
        raise ValueError("A negative number has no factorial.")
    if whole > 2000 or math.lgamma(whole + 1) / math.log(2) > MAX_BITS:
        raise TooLarge
    return Fraction(math.factorial(whole))


def mean(*values: Number) -> Number:
    """The average of the values."""
    return total(*values) / len(_some(values, "mean"))


def median(*values: Number) -> Number:
    """The middle of the values in order, or the average of the two in the middle."""
    ordered = sorted(_some(values, "median"))
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def total(*values: Number) -> Number:
    """The sum of the values."""
    return sum(_some(values, "sum"), Fraction(0))


def multiplied(*values: Number) -> Number:
    """The product of the values."""
    return reduce(lambda left, right: check_size(product(left, right)), _some(values, "product"))


def _common(name: str, function: Callable[..., int]) -> Callable[..., Number]:
    return lambda *values: Fraction(function(*(_whole(value, name) for value in _some(values, name))))


def _logarithm(value: Number, base: Number | None = None) -> Number:
    if value <= 0 or (base is not None and (base <= 0 or base == 1)):
        raise ValueError("Logarithms need a number above 0, and a base above 0 that is not 1.")
    # math.log takes whole numbers of any size; a fraction is first made a float.
    if base == 10:
        return math.log10(_plain(value))
    if base == 2:
        return math.log2(_plain(value))
    return math.log(_plain(value)) if base is None else math.log(_plain(value)) / math.log(_plain(base))


def natural_logarithm(value: Number) -> Number:
    """The logarithm to base e."""
    return _logarithm(value)


def _trigonometry(function: Callable[[float], float]) -> Callable[[Number], Number]:
    # Fifteen decimals: sin(pi) is 0, not 1.2e-16, because pi itself is only that precise.
    return lambda value: round(function(float(value)), 15)


def _tangent(value: Number) -> Number:
    if round(math.cos(float(value)), 15) == 0:
        raise ValueError("The tangent does not exist there.")
    return round(math.tan(float(value)), 15)


def _plain(value: Number) -> int | float:
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else float(value)


def _whole(value: Number, where: str) -> int:
    if value != int(value):
        raise ValueError(f"{where} needs whole numbers.")
    return int(value)


def _some(values: tuple[Number, ...], where: str) -> tuple[Number, ...]:
    if not values:
        raise ValueError(f"{where}() needs at least one number.")
    return values


def _bits(value: Number) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length()) if isinstance(value, Fraction) else 64


FUNCTIONS: dict[str, Callable[..., Number]] = {
    "abs": abs,
    "round": rounded,
    "floor": lambda value: Fraction(math.floor(value)),
    "ceil": lambda value: Fraction(math.ceil(value)),
    "min": lambda *values: min(_some(values, "min")),
    "max": lambda *values: max(_some(values, "max")),
    "sum": total,
    "product": multiplied,
    "mean": mean,
    "median": median,
    "sqrt": square_root,
    "cbrt": cube_root,
    "factorial": factorial,
    "gcd": _common("gcd", math.gcd),
    "lcm": _common("lcm", math.lcm),
    "exp": math.exp,
    "ln": natural_logarithm,
    "log": _logarithm,
    "log2": lambda value: _logarithm(value, Fraction(2)),
    "log10": lambda value: _logarithm(value, Fraction(10)),
    "sin": _trigonometry(math.sin),
    "cos": _trigonometry(math.cos),
    "tan": _tangent,
    "radians": math.radians,
    "degrees": math.degrees,
}
"""The functions of expressions. Angles are in radians; log(x) is the natural logarithm, log(x, base) is not."""

NAMES: dict[str, Number] = {"pi": math.pi, "e": math.e, "tau": math.tau}
