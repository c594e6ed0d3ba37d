"""JSON values in one form, whichever database they were stored in."""

import math
from decimal import Decimal
from typing import Any, Final

_WHOLE_FROM: Final = 1e16
"""From here on Python writes floats with an exponent, and PostgreSQL gives them back as integers."""


def stable_json(value: Any) -> Any:
    """The value as each database gives it back: names in alphabetical order, and large floats as the integers that
    their digits are. The form of a value in that form is itself."""
    match value:
        case dict():
            return {name: stable_json(value[name]) for name in sorted(value)}
        case list() | tuple():
            return [stable_json(each) for each in value]
        case float() if math.isfinite(value) and abs(value) >= _WHOLE_FROM:
            # The shortest digits that mean this float, as they are stored: int(1e23) would be 99999999999999991611392.
            return int(Decimal(repr(value)))
        case float() if value == 0:
            return 0.0  # PostgreSQL has no negative zero.
        case _:
            return value
