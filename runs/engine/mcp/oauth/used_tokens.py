"""The tokens that this process has used: no result and no error of a server shows them."""

import threading
from collections.abc import Iterable
from typing import Final

from runs.agent.redaction.redactor import MIN_SECRET_CHARS, Redactor

MOST_KEPT: Final = 1_000


class _Used:
    lock = threading.Lock()
    tokens: dict[str, None] = {}
    redactor = Redactor()


def note_used(tokens: Iterable[str]) -> None:
    """Hide these from now on; the oldest of more than `MOST_KEPT` are forgotten."""
    new = [each for each in tokens if len(each) >= MIN_SECRET_CHARS and each not in _Used.tokens]
    if not new:
        return
    with _Used.lock:
        kept = [*_Used.tokens, *new][-MOST_KEPT:]
        _Used.tokens, _Used.redactor = dict.fromkeys(kept), Redactor(kept)


def token_redactor() -> Redactor:
    """Hides the tokens that this process has used."""
    return _Used.redactor


def used_tokens() -> set[str]:
    """The tokens that this process has used."""
    return set(_Used.tokens)
