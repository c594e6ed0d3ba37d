"""The arguments of calls, compared: by what they mean as JSON, not by what Python takes for equal."""

import hashlib
import json
from typing import Any

canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
"""A value as canonical JSON: sorted keys, no spaces."""


def arguments_hash(arguments: dict[str, Any]) -> str:
    """SHA-256 of the arguments as canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(arguments).encode()).hexdigest()


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """What is different, by argument: `name`, with `before` and `after` where there is a value."""
    told = []
    for name in {**before, **after}:
        if name in before and name in after and canonical(before[name]) == canonical(after[name]):
            continue  # Not `==`: to Python 1 and true are the same.
        change: dict[str, Any] = {"name": name}
        if name in before:
            change["before"] = before[name]
        if name in after:
            change["after"] = after[name]
        told.append(change)
    return told
