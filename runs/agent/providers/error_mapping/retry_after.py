"""The Retry-After of an error response: from its headers, the fields of the error, or its text."""

import math
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from runs.agent.providers.error_mapping.error_text import ErrorText

_MAX_RESET_S = 24 * 3600
"""A later reset time belongs to something else than a rate limit."""

_PART = r"\d{1,6}(?:\.\d{1,9})?"
_DURATION = re.compile(rf"(?:({_PART})d)?(?:({_PART})h)?(?:({_PART})m(?!s))?(?:({_PART})s)?(?:({_PART})ms)?")
"""A duration as written by Go, Google, OpenAI and Groq: `1.5s`, `6m0s`, `120ms`, `1h2m3s`."""
_SECONDS_OF = (86400, 3600, 60, 1, 0.001)
_IN_WORDS = re.compile(
    r"(?:(?:try|retry)(?: your request)?(?: again)?|wait|available(?: again)?|resets?|retry[ -]after)"
    r"(?: in| after| at least| for|:)? {0,2}"
    rf"(?:(?P<duration>(?:{_PART}(?:ms|[dhms])){{1,5}})(?![a-z0-9])|(?P<number>{_PART}) ?(?P<unit>milli|sec|min|hour))",
    re.IGNORECASE,
)
_UNITS = {"milli": 0.001, "sec": 1, "min": 60, "hour": 3600}


def retry_after_s(headers: Mapping[str, str], said: ErrorText) -> float | None:
    """The seconds that the server asks to wait; None if it does not state them. `headers` have names in lower case.

    Headers take precedence over the fields of the error, and those over its text.
    """
    headers = {**said.headers, **headers}
    if (told := headers.get("retry-after-ms")) is not None and (milliseconds := _number(told)) is not None:
        return milliseconds / 1000
    if (told := headers.get("retry-after")) is not None and (seconds := _header(told)) is not None:
        return seconds
    for found in (_field(said), _words(said), _reset(headers)):
        if found is not None:
            return found
    return None


def _header(told: str) -> float | None:
    """Parse a Retry-After header: seconds, with or without a fraction, or a date."""
    if (seconds := _number(told)) is not None:
        return seconds
    try:
        at = parsedate_to_datetime(told[:100])
        # The asctime form of RFC 9110 names no zone; it is UTC.
        wait_s = (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return _duration(told)
    return max(0.0, wait_s.total_seconds())


def _field(said: ErrorText) -> float | None:
    """Parse Google's `retryDelay: "12.5s"`, and `retry_after: 12` of gateways."""
    if isinstance(delay := said.fields.get("retrydelay"), str):
        return _duration(delay)
    for name in ("retry_after", "retry_after_seconds", "retryafter"):
        if isinstance(delay := said.fields.get(name), int | float):
            return _finite(float(delay))
    return None


def _words(said: ErrorText) -> float | None:
    found = _IN_WORDS.search(said.words[:4096])
    if found is None:
        return None
    if duration := found["duration"]:
        return _duration(duration.lower())
    return _finite(float(found["number"]) * _UNITS[found["unit"].lower()])


def _reset(headers: Mapping[str, str]) -> float | None:
    """The reset time of an exhausted limit, as sent by OpenAI, Groq and OpenRouter; the latest of several."""
    waits = []
    for of in ("", "-requests", "-tokens"):
        if headers.get(f"x-ratelimit-remaining{of}", "").strip() != "0":
            continue  # this limit is not exhausted
        told = headers.get(f"x-ratelimit-reset{of}", "").strip()
        wait_s = _duration(told)
        if wait_s is None and (at := _number(told)) is not None:
            # Seconds or milliseconds since the epoch, or seconds from now.
            at = at / 1000 if at > 1e11 else at
            wait_s = at - time.time() if at > 1e9 else at
        if wait_s is not None and 0 <= wait_s <= _MAX_RESET_S:
            waits.append(wait_s)
    return max(waits, default=None)


def _duration(told: str) -> float | None:
    found = _DURATION.fullmatch(told[:60].strip())
    if found is None or not any(found.groups()):
        return None
    return sum(float(part) * unit for part, unit in zip(found.groups(), _SECONDS_OF, strict=True) if part)


def _number(told: str) -> float | None:
    text = told.strip()
    if not text or len(text) > 40 or not text.replace(".", "", 1).isdecimal() or not text.isascii():
        return None  # float() takes "nan", "1_000" and "٣" too
    return _finite(float(text))


def _finite(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
