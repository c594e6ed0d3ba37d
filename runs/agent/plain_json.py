"""JSON that every part of the site can take: what parsers let through and databases refuse is refused at the door."""

import math
from typing import Any, Final

MAX_DEPTH: Final = 100
"""Lists and objects inside each other. Databases stop at 1,000, and Python's own recursion somewhere near."""


def plain_json(value: Any, *, max_depth: int = MAX_DEPTH) -> Any:
    """The parsed JSON with a question mark for each half of a surrogate pair.

    Raises `ValueError` for numbers that are none (`NaN`, `1e999`), which Python parses and JSON has not, and for a
    nesting deeper than `max_depth`.
    """
    match value:
        case str():
            return value if value.isascii() else value.encode(errors="replace").decode()
        case float() if not math.isfinite(value):
            raise ValueError(f"{value} is no number in JSON.")
        case dict() | list() if max_depth < 1:
            raise ValueError("The JSON is nested too deeply.")
        case dict():
            return {plain_json(name): plain_json(each, max_depth=max_depth - 1) for name, each in value.items()}
        case list():
            return [plain_json(each, max_depth=max_depth - 1) for each in value]
        case _:
            return value
