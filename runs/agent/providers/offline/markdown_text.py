"""Texts of others in an answer, so that Markdown shows them as they are."""

import re
from typing import Final

# An underscore within a word has no meaning.
_SPECIAL: Final = re.compile(r"[\\`*\[\]<>|~&$]|(?<![^\W_])_|_(?![^\W_])|(?<![^\s])#")
_TICKS: Final = re.compile(r"`+")


def verbatim(text: str) -> str:
    """The text with a backslash before each character that has a meaning."""
    return _SPECIAL.sub(lambda match: f"\\{match[0]}", text)


def code(text: str) -> str:
    """The text as code in a line."""
    ticks = "`" * (_longest(text) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{space}{text}{space}{ticks}"


def fenced(text: str) -> str:
    """The text as a block of code."""
    fence = "`" * max(3, _longest(text) + 1)
    return f"{fence}text\n{text}\n{fence}"


def _longest(text: str) -> int:
    return max((len(ticks) for ticks in _TICKS.findall(text)), default=0)
