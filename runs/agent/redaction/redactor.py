"""Redaction of secrets in stored, logged or shown texts."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time
from decimal import Decimal
from enum import Enum
from math import isfinite
from pathlib import PurePath
from typing import Any
from uuid import UUID

from runs.agent.redaction.encoded_secrets import EncodedSecrets
from runs.agent.redaction.secret_patterns import HIDDEN, redacted
from runs.agent.redaction.secret_values import MIN_SECRET_CHARS, forms_of, secrets_in

__all__ = ["HIDDEN", "MIN_SECRET_CHARS", "Redactor", "holds_hidden", "redacted", "safe_context", "secrets_in"]

MAX_DEPTH = 8
PART_CHARS = 64
NAME_CHARS = 64
"""Texts up to this length are mostly names: of tools, models and arguments, the same ones in every step."""
MOST_NAMES = 4_096
_SEVERAL = re.compile(rf"(?:{re.escape(HIDDEN)})+")

_SECRET_NAME = re.compile(
    r"(?i)(api|access|secret|private)[-_]?key|passw|secret|credential|authorization|cookie|^key$|token$"
)


class Redactor:
    """Redacts text and JSON values: known secrets by value in all encodings, other ones by pattern."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The longest first: one secret may be a prefix of another.
        parts = list(_parts(secrets))
        self._forms = sorted({form for part in parts for form in forms_of(part)}, key=len, reverse=True)
        self.encoded = EncodedSecrets(parts)
        self._first_letters = frozenset(form[0] for form in self._forms)
        self._beginnings: frozenset[str] | None = None
        self._without_secret: set[str] = set()
        """Short texts that were searched in vain. Texts with a secret are not kept."""

    def text(self, text: str) -> str:
        """The text with `[hidden]` in place of each secret."""
        if text in self._without_secret:
            return text
        hidden = self._searched(text)
        if len(text) <= NAME_CHARS and hidden == text:
            if len(self._without_secret) >= MOST_NAMES:
                self._without_secret.clear()
            self._without_secret.add(text)
        return hidden

    def _searched(self, text: str) -> str:
        # Searched one by one: with a hundred secrets this is a hundred times faster than a single pattern.
        for form in self._forms:
            if form in text:
                text = text.replace(form, HIDDEN)
        text = self.encoded.hidden(text, HIDDEN)
        if HIDDEN * 2 in text:
            text = _SEVERAL.sub(HIDDEN, text)
        return redacted(text)

    def value(self, value: Any) -> Any:
        """The JSON value with `[hidden]` in place of each secret in its strings and names."""
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.text(str(name)): self.value(each) for name, each in value.items()}
            case list() | tuple():
                return [self.value(each) for each in value]
            case _:
                return value

    def begun_at_end(self, text: str) -> int:
        """Number of characters at the end of the text that may begin a known secret."""
        if not self._forms:
            return 0
        if self._beginnings is None:
            self._beginnings = frozenset(form[:length] for form in self._forms for length in range(1, len(form)))
        for at in range(max(0, len(text) - len(self._forms[0]) + 1), len(text)):
            if text[at] in self._first_letters and text[at:] in self._beginnings:
                return len(text) - at
        return 0

    def before_known(self, text: str, at: int) -> int:
        """The last position up to `at` where the text can be cut without splitting a known secret."""
        while at < len(text) and (begin := self._begin_of_one_over(text, at)) is not None:
            at = begin
        return at

    def _begin_of_one_over(self, text: str, at: int) -> int | None:
        """The start of a known secret that spans the position; None without one."""
        for form in self._forms:
            begin = text.find(form, max(0, at - len(form) + 1), at + len(form) - 1)
            if 0 <= begin < at:
                return begin
        return None

    def end_of_last(self, text: str) -> int:
        """The end of the last known secret in the text; 0 if there is none."""
        return max((at + len(form) for form in self._forms if (at := text.rfind(form)) >= 0), default=0)

    def cut_off(self, text: str) -> str:
        """A truncated text with `[hidden]` in place of each secret, and of the prefix of a known one at its end that
        has at least 8 characters or more than half of the secret."""
        most = 0
        for form in self._forms:
            begun = _begun(form, text)
            if begun >= MIN_SECRET_CHARS or 2 * begun > len(form):
                most = max(most, begun)
        return self.text(f"{text[:-most]}{HIDDEN}" if most else text)


def _parts(secrets: Iterable[str]) -> Iterator[str]:
    """The secrets, long ones split into parts: all prefixes of each part are kept in memory."""
    for secret in set(secrets) - {""}:
        if len(secret) <= 2 * PART_CHARS:
            yield secret
            continue
        for at in range(0, len(secret) - PART_CHARS + 1, PART_CHARS):
            yield secret[at : at + PART_CHARS]
        yield secret[-PART_CHARS:]


def _begun(secret: str, text: str) -> int:
    """Length of the longest proper prefix of the secret at the end of the text."""
    tail = text[1 - len(secret) :] if len(secret) > 1 else ""
    at = tail.find(secret[0])
    while at >= 0:
        if secret.startswith(tail[at:]):
            return len(tail) - at
        at = tail.find(secret[0], at + 1)
    return 0


def holds_hidden(value: Any) -> bool:
    """True if the JSON value contains `[hidden]`."""
    match value:
        case str():
            return HIDDEN in value
        case dict():
            return any(holds_hidden(each) for each in value.values())
        case list():
            return any(holds_hidden(each) for each in value)
        case _:
            return False


def safe_context(context: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping as JSON values without secrets. Other values become text or the name of their type."""
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
            # Not repr, which for clients and requests may contain their headers.
            return f"<{type(value).__name__}>"
