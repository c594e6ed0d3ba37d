"""Detection of context overflows in error responses, with the window size that the server states."""

from typing import Any, NamedTuple

from runs.agent.providers.error_mapping.error_text import ErrorText, error_text
from runs.agent.providers.error_mapping.overflow_patterns import (
    ABOUT_OUTPUT,
    ABOUT_RATE,
    CODES,
    OVERFLOWS,
    REQUEST_FIRST,
    SUMS,
    WINDOW_ALONE,
    WINDOW_FIRST,
)

MIN_WINDOW_TOKENS, MAX_WINDOW_TOKENS = 256, 100_000_000
"""Other numbers are not a window: vLLM 0.15 stated "3 tokens" after 2,045 of 2,048 were requested for the reply."""

_MAX_CHARS = 8 * 1024
_WINDOW_FIELDS = ("n_ctx", "context_window", "max_context_length", "context_length", "max_model_len")
_REQUESTED_FIELDS = ("n_prompt_tokens", "prompt_tokens", "requested_tokens")


class Overflow(NamedTuple):
    """The figures of an overflow error; None where it does not state one."""

    window_tokens: int | None = None
    """The limit on request and reply together; on the request alone if the server states only that."""
    requested_tokens: int | None = None
    """The size of this request; including the requested reply if the server counts it in."""


_NEVER = frozenset({401, 402, 403, 404, 405})


def overflow_of(status: int | None, body: object) -> Overflow | None:
    """The overflow that an error response reports; None if it reports another error.

    `body` is the response's body: JSON values, bytes or text, an `ErrorText`, or the message alone. No overflow are a
    limit on the reply alone, a rate limit, and a proxy's limit on the bytes of a request (413) without a token count.
    """
    if status in _NEVER:
        return None
    said = body if isinstance(body, ErrorText) else error_text(body)
    words = " ".join(said.texts)[:_MAX_CHARS]
    told = _in_fields(said)
    if not CODES.isdisjoint(code.lower() for code in said.codes):
        return _merged(told, _in_words(words))
    found = _in_words(words)
    if ABOUT_RATE.search(words):
        return found if _is_one_request_too_large(words, found) else None
    if ABOUT_OUTPUT.search(words) or (found is None and not OVERFLOWS.search(words)):
        return None
    return _merged(told, found)


def _is_one_request_too_large(words: str, found: Overflow | None) -> bool:
    """True for a limit on tokens per minute that this request alone exceeds: only a smaller request can succeed."""
    if found is None or found.window_tokens is None or found.requested_tokens is None:
        return False
    return "request too large" in words.lower() and found.requested_tokens > found.window_tokens


def _in_words(words: str) -> Overflow | None:
    """The figures of the first pattern that matches; None if none does."""
    for pattern in SUMS:
        if match := pattern.search(words):
            place = pattern.groupindex["window"]
            parts = [_number(part) or 0 for at, part in enumerate(match.groups(), start=1) if at != place and part]
            return Overflow(_window(match["window"]), sum(parts) or None)
    for pattern in WINDOW_FIRST:
        if match := pattern.search(words):
            return Overflow(_window(match[1]), _number(match[2]))
    for pattern in REQUEST_FIRST:
        if match := pattern.search(words):
            return Overflow(_window(match[2]), _number(match[1]))
    if OVERFLOWS.search(words):
        for pattern in WINDOW_ALONE:
            if match := pattern.search(words):
                return Overflow(_window(match[1]))
    return None


def _in_fields(said: ErrorText) -> Overflow:
    def first(names: tuple[str, ...]) -> int | None:
        return next((size for name in names if (size := _size(said.fields.get(name))) is not None), None)

    window = first(_WINDOW_FIELDS)
    return Overflow(window if window and window >= MIN_WINDOW_TOKENS else None, first(_REQUESTED_FIELDS))


def _merged(first: Overflow, second: Overflow | None) -> Overflow:
    second = second or Overflow()
    window = first.window_tokens if first.window_tokens is not None else second.window_tokens
    requested = first.requested_tokens if first.requested_tokens is not None else second.requested_tokens
    return Overflow(window, requested)


def _window(text: str) -> int | None:
    size = _number(text)
    return size if size is not None and size >= MIN_WINDOW_TOKENS else None


def _number(text: str) -> int | None:
    digits = "".join(character for character in text if character.isdecimal())
    return _size(int(digits)) if digits and len(digits) <= 12 else None


def _size(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAX_WINDOW_TOKENS:
        return None
    return int(value)
