"""Secrets kept out of what is stored, logged or shown."""

import re
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from enum import Enum
from math import isfinite
from pathlib import PurePath
from typing import Any
from uuid import UUID

HIDDEN = "[hidden]"
MAX_DEPTH = 8

_SECRET_NAME = re.compile(
    r"(?i)(api|access|secret|private)[-_]?key|passw|secret|credential|authorization|cookie|^key$|token$"
)
_SECRET_TEXT = re.compile(
    r"""(?ix)
      \b(?:sk|xox[abp]|gh[pousr]|glpat)[-_][\w*-]{8,}         # OpenAI, Anthropic, Slack, GitHub; starred ones too
    | \bAIza[\w-]{20,}                                        # Google
    | \bAKIA[A-Z0-9]{12,}                                     # AWS
    | (?<=bearer\ )[\w.~+/=-]{8,}
    | (?<=://)[^\s/@:]+:[^\s/@]+(?=@)                         # user:password@host
    """
)


def redacted(text: str) -> str:
    """The text with everything that looks like a key or a password replaced by `[hidden]`."""
    return _SECRET_TEXT.sub(HIDDEN, text)


def safe_context(context: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping as JSON values without secrets. What is no JSON becomes text or the name of its type."""
    return {str(name): HIDDEN if _SECRET_NAME.search(str(name)) else _safe(value) for name, value in context.items()}


def _safe(value: Any, depth: int = 0) -> Any:
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if isfinite(value) else str(value)
        case str():
            return redacted(str(value))
        case Enum():
            return _safe(value.value, depth)
        case UUID() | date() | time() | Decimal() | PurePath():
            return str(value)
        case Mapping() if depth < MAX_DEPTH:
            return {str(k): HIDDEN if _SECRET_NAME.search(str(k)) else _safe(v, depth + 1) for k, v in value.items()}
        case list() | tuple() | set() | frozenset() if depth < MAX_DEPTH:
            return [_safe(each, depth + 1) for each in value]
        case _:
            # Not repr: the objects that end up here (clients, requests) may show their headers in it.
            return f"<{type(value).__name__}>"
