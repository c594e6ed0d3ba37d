"""Formatting of numbers, calls and values as text."""

import json
import math
from typing import Any

_encode = json.JSONEncoder(ensure_ascii=False).encode
"""`json.dumps` with options creates an encoder for each value, which costs more than a short value itself."""


def counted(count: float, one: str, many: str = "") -> str:
    """`1 run`, `2 runs`, `1,000 runs`. `many` is the plural if it is not `one` with an s."""
    return f"{count:,.0f} {one if count == 1 else many or f'{one}s'}"


def number_text(number: float) -> str:
    """A number with at most two decimals, or three significant digits below 1: `1,234,567`, `2.5`, `0.00012`; never
    `1e-05`."""
    if number == 0 or abs(number) >= 1:
        text = f"{number:,.2f}"
    else:
        # Three significant digits.
        text = f"{number:.{2 - math.floor(math.log10(abs(number)))}f}"
    return text.rstrip("0").rstrip(".")


def dollars_text(usd: float) -> str:
    """An amount of US dollars with at least two decimals, as precise as `number_text`: `$5.00`, `$0.0034`."""
    whole, _, cents = number_text(usd).partition(".")
    return f"${whole}.{cents.ljust(2, '0')}"


def call_text(tool_name: str, arguments: dict[str, Any]) -> str:
    """The call as a person would write it: `calculator(expression='17 * 23')`."""
    return f"{tool_name}({', '.join(f'{name}={value!r}' for name, value in arguments.items())})"


def default_text() -> str:
    """The remark to the model about an answer that nobody gave."""
    return "Nobody answered in time, so this is the default."


def changed_text(arguments: dict[str, Any]) -> str:
    """The remark to the model about a call whose arguments a person has changed."""
    return f"A person changed the arguments of this call to {_encode(arguments)}."
