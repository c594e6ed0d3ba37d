"""Exact numbers of inputs: decimal digits as they were typed, without rounding and without an exponent."""

from decimal import Decimal, InvalidOperation
from typing import Any, Final

MOST_DIGITS: Final = 40
"""Digits before and after the point together."""
_MOST_TYPED: Final = 60
_CHARACTERS: Final = frozenset("0123456789+-.eE")


def exact_number(given: Any) -> Decimal | None:
    """The number in a JSON value or a typed text; None for what is none, is not finite, or has more than 40 digits.

    A float is what Python writes for it: 0.1, not the binary fraction next to it.
    """
    match given:
        case bool() | None:
            return None
        case int() if abs(given) >= 10**MOST_DIGITS:
            return None
        case Decimal() | int() | float() | str():
            return _from_text(str(given).strip())
        case _:
            return None


def plain(number: Decimal) -> str:
    """The digits without an exponent; zeros at the end stay, because `1.50` was meant."""
    return format(number, "f") if number else format(abs(number), "f")


def _from_text(text: str) -> Decimal | None:
    if not text or len(text) > _MOST_TYPED or not _CHARACTERS.issuperset(text):
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    exponent = number.as_tuple().exponent
    # Before anything is written out: `1e9999999` has few characters and many digits.
    if not isinstance(exponent, int) or abs(exponent) > MOST_DIGITS or abs(number.adjusted()) > MOST_DIGITS:
        return None
    return number if len(plain(number).strip("-").replace(".", "")) <= MOST_DIGITS else None
