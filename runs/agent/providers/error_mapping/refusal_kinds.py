"""The kind of failure of an error response, from its status, codes and text."""

import re

from runs.agent.errors.model_exceptions import FailureKind
from runs.agent.providers.error_mapping.error_text import ErrorText
from runs.agent.providers.error_mapping.refusal_patterns import (
    ABOUT_MODEL,
    BARE_NOT_FOUND,
    BLOCKED,
    ELSEWHERE,
    KEY,
    KEY_CODES,
    MONEY,
    MONEY_CODES,
    NO_QUOTA_AT_ALL,
    NO_TOOLS,
    OVERLOADED,
    RATE,
    SERVER,
    STATUS_OF_CODE,
    WRONG_KEY,
    WRONG_PATH,
)

_MAX_CHARS = 16 * 1024

_BY_STATUS: dict[int, FailureKind] = {
    401: "auth",
    402: "out_of_money",
    403: "forbidden",
    404: "not_found",
    408: "timeout",
    409: "overloaded",
    425: "overloaded",
    429: "rate_limited",
    451: "forbidden",
    503: "overloaded",
    529: "overloaded",
}
_BY_WORDS: tuple[tuple[re.Pattern[str], FailureKind], ...] = (
    (RATE, "rate_limited"),
    (OVERLOADED, "overloaded"),
    (SERVER, "server"),
)


def special_kind(status: int | None, said: ErrorText) -> FailureKind | None:
    """The kind indicated by codes and text where they are more specific than the status; else None.

    Checked in order: a region is refused with 403 too, and an empty account with 401, 403 or 429.
    """
    words, codes = said.searched[:_MAX_CHARS], {code.lower() for code in said.codes}
    kinds: tuple[tuple[FailureKind, bool], ...] = (
        ("wrong_address", status is not None and 300 <= status < 400),
        ("out_of_money", _is_out_of_money(status, words, codes)),
        ("blocked", BLOCKED.search(words) is not None or "flagged_input" in said.fields),
        ("no_tools", status not in (401, 403, 429) and NO_TOOLS.search(words) is not None),
        ("forbidden", ELSEWHERE.search(words) is not None),
        ("auth", _is_about_the_key(status, words, codes)),
        ("forbidden", status in (403, 451)),
        ("wrong_address", _is_wrong_address(status, said, words)),
        ("not_found", "model_not_found" in codes),
    )
    return next((kind for kind, fits in kinds if fits), None)


def _is_out_of_money(status: int | None, words: str, codes: set[str]) -> bool:
    if status == 402 or codes & MONEY_CODES:
        return True
    if "resource_exhausted" in codes or "generativelanguage.googleapis.com" in words:
        # Google sends "exceeded your current quota, please check your plan and billing" for per-minute limits too.
        return "perday" in words or NO_QUOTA_AT_ALL.search(words) is not None
    return MONEY.search(words) is not None


def _is_about_the_key(status: int | None, words: str, codes: set[str]) -> bool:
    if status == 401 or codes & KEY_CODES or WRONG_KEY.search(words):
        return True
    return status == 403 and KEY.search(words) is not None


def _is_wrong_address(status: int | None, said: ErrorText, words: str) -> bool:
    """True if the address is not a model server, or its API is at another path."""
    is_missing = status in (404, 405, 410, 501)
    is_no_error = status is None or status < 300
    if said.is_page and (is_missing or is_no_error):
        return True
    if WRONG_PATH.search(words):
        is_about_model = status == 404 and ABOUT_MODEL.search(words) is not None
        return (is_missing or is_no_error or status == 400) and not is_about_model
    return status == 405 or (is_missing and said.words.strip().lower() in BARE_NOT_FOUND)


def status_told(said: ErrorText) -> int | None:
    """The HTTP status inside the body, as a number or implied by a known code."""
    if said.status is not None:
        return said.status
    known = (STATUS_OF_CODE.get(code.lower()) for code in said.codes)
    return next((status for status in known if status is not None), None)


def kind_of_status(status: int) -> FailureKind:
    """The kind of failure by the HTTP status alone."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 300 <= status < 400:
        return "wrong_address"
    return "server" if status >= 500 else "refused"


def kind_of_words(said: ErrorText) -> FailureKind | None:
    """The kind of an error without status and known code, by its text; None if no pattern matches."""
    words = said.searched[:_MAX_CHARS]
    for pattern, kind in _BY_WORDS:
        if pattern.search(words):
            return kind
    return None
