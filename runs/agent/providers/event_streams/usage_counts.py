"""Validated reading of usage reports: the last report counts, and impossible figures count as not reported."""

import math
from decimal import Decimal
from typing import Any

from runs.agent.json_data.json_types import JsonObject
from runs.agent.usage import Usage

MAX_TOKENS = 10**9
"""More than any request reads or writes. A larger reported figure is neither stored nor counted."""

NONSENSE = -1
"""The mark of an impossible figure."""


def merged(before: JsonObject, report: JsonObject) -> JsonObject:
    """Merge two usage reports of one reply. Reports are cumulative, so a later figure replaces an earlier one; a figure
    that is missing or 0 in the later report does not."""
    result = dict(before)
    for name, value in report.items():
        if isinstance(value, dict):
            known = result.get(name)
            result[name] = merged(known if isinstance(known, dict) else {}, value)
        elif value or name not in result:
            result[name] = value
    return result


def count(report: Any, *path: str) -> int | None:
    """The number of tokens at a path in a report; None if there is none, `NONSENSE` if it is impossible."""
    for name in path:
        report = report.get(name) if isinstance(report, dict) else None
    if isinstance(report, bool) or not isinstance(report, int | float):
        return None
    return int(report) if 0 <= report <= MAX_TOKENS else NONSENSE


def usd(value: Any) -> Decimal | None:
    """The value in US dollars; None if it is not a finite number of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return Decimal(str(value))


def known_usage(
    *,
    input_tokens: int | None,
    output_tokens: int | None,
    cache_read_tokens: int | None = None,
    cache_write_tokens: int | None = None,
    reasoning_tokens: int | None = None,
    cost_usd: Decimal | None = None,
) -> Usage:
    """The usage; without tokens if neither input nor output was counted. Parts are limited to their whole."""
    if (not input_tokens and not output_tokens) or NONSENSE in (input_tokens, output_tokens):
        return Usage(cost_usd=cost_usd)
    read = _part(cache_read_tokens, of=input_tokens)
    return Usage(
        input_tokens=input_tokens or 0,
        output_tokens=output_tokens or 0,
        cache_read_tokens=read,
        cache_write_tokens=min(max(cache_write_tokens or 0, 0), (input_tokens or 0) - (read or 0)) or None,
        reasoning_tokens=_part(reasoning_tokens, of=output_tokens),
        cost_usd=cost_usd,
    )


def _part(tokens: int | None, *, of: int | None) -> int | None:
    """A part of a count, at most the whole. A reported 0 is known."""
    return None if tokens is None or tokens == NONSENSE else min(tokens, of or 0)
