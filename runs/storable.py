"""Text and JSON from outside that a database can keep: both of ours, so that neither answers with an error."""

from math import isfinite
from typing import Any

MAX_DEPTH = 100
"""Lists and objects inside each other. Nobody means more, and Python's own limit is not far."""


def storable(text: str) -> str:
    """The text. Raises `ValueError` for NUL, which PostgreSQL does not take, and for half of a surrogate pair."""
    if "\x00" in text:
        raise ValueError("The character NUL cannot be kept")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("Half of a surrogate pair is no character") from error
    return text


def storable_json(value: Any, depth: int = 0) -> Any:
    """The value. Raises `ValueError` also for a number that is none in JSON, and for what is nested too deeply."""
    if depth > MAX_DEPTH:
        raise ValueError(f"More than {MAX_DEPTH} lists and objects inside each other cannot be kept")
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("A number that is not finite cannot be kept")
    if isinstance(value, dict):
        return {storable(name): storable_json(each, depth + 1) for name, each in value.items()}
    return [storable_json(each, depth + 1) for each in value] if isinstance(value, list) else value
