"""Secrets kept out of what is stored, logged or shown."""

import os
import re
from collections.abc import Iterable, Mapping
from datetime import date, time
from decimal import Decimal
from enum import Enum
from math import isfinite
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

HIDDEN = "[hidden]"
MAX_DEPTH = 8

_SECRET_NAME = re.compile(
    r"(?i)(api|access|secret|private)[-_]?key|passw|secret|credential|authorization|cookie|^key$|token$"
)
_SECRET_TEXT = re.compile(
    r"""(?ix)
      \b(?:sk|xox[abp]|gh[pousr]|glpat|ags)[-_][\w*-]{8,}     # OpenAI, Anthropic, Slack, GitHub, ours; starred ones too
    | \bAIza[\w-]{20,}                                        # Google
    | \bAKIA[A-Z0-9]{12,}                                     # AWS
    | (?<=bearer\ )[\w.~+/=-]{8,}
    | (?<=://)[^\s/@:]+:[^\s/@]+(?=@)                         # user:password@host
    """
)


_MARK = re.compile(r"sk[-_]|ags[-_]|xox[abp]|gh[pousr][-_]|glpat|aiza|akia|bearer |://")
"""Every text `_SECRET_TEXT` finds something in has one of these, in lower case. They are found ten times faster."""
_SHORTEST = 7
"""Characters of the shortest text it finds something in."""
_SECRET_VARIABLE = re.compile(r"(?i)(^|_)(key|token|passw(or)?d|passphrase|credentials?|webhook)(_|$)|api_?key|secret")
MIN_SECRET_CHARS = 8
"""A shorter value is a word that may be anywhere, not a secret."""


def redacted(text: str) -> str:
    """The text with everything that looks like a key or a password replaced by `[hidden]`."""
    if len(text) < _SHORTEST or _MARK.search(text.lower()) is None:
        return text
    return _SECRET_TEXT.sub(HIDDEN, text)


def secrets_in(environ: Mapping[str, str] | None = None) -> set[str]:
    """The values of the environment's variables that are named like secrets, and the passwords in its addresses."""
    found = set()
    for name, value in (os.environ if environ is None else environ).items():
        # A path to a secret is none.
        if _SECRET_VARIABLE.search(name) and not value.startswith(("/", "~", "./")):
            found.add(value.strip())
        if "://" in value and "@" in value:
            found.add(_password_in(value))
    return {value for value in found if len(value) >= MIN_SECRET_CHARS and not value.isdecimal()}


def _password_in(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return ""


class Redactor:
    """Hides known secrets, by value, and what looks like one, by pattern, in text and in JSON values."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The longest first: one secret may be the beginning of another.
        self._secrets = sorted(set(secrets) - {""}, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text with `[hidden]` for each secret."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, HIDDEN)
        return redacted(text)

    def value(self, value: Any) -> Any:
        """The JSON value with `[hidden]` for each secret in its texts and names. Others are left as they are."""
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
        """How many characters at the end of the text may be the beginning of a known secret."""
        return max((_begun(secret, text) for secret in self._secrets), default=0)

    def cut_off(self, text: str) -> str:
        """The text, which ends where something was cut off, with `[hidden]` for each secret, and for the beginning of
        a known one at its end: of at least 8 characters, or more than half of the secret."""
        most = 0
        for secret in self._secrets:
            begun = _begun(secret, text)
            if begun >= MIN_SECRET_CHARS or 2 * begun > len(secret):
                most = max(most, begun)
        return self.text(f"{text[:-most]}{HIDDEN}" if most else text)


def _begun(secret: str, text: str) -> int:
    """How many characters at the end of the text are the beginning of the secret, but not all of it."""
    tail = text[1 - len(secret) :] if len(secret) > 1 else ""
    at = tail.find(secret[0])
    while at >= 0:
        if secret.startswith(tail[at:]):
            return len(tail) - at
        at = tail.find(secret[0], at + 1)
    return 0


class PieceRedactor:
    """Hides secrets in texts that come in pieces: what may be the beginning of a known one is held back."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held: dict[str, str] = {}

    def next(self, name: str, piece: str) -> str:
        """What may be shown of the text of that name, now that this piece of it has come; may be empty."""
        text = self._redactor.text(self._held.pop(name, "") + piece)
        if begun := self._redactor.begun_at_end(text):
            self._held[name] = text[-begun:]
            return text[:-begun]
        return text


def holds_hidden(value: Any) -> bool:
    """True if a secret was hidden somewhere in the JSON value."""
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
