"""Arguments compared by their meaning as JSON, not by Python's equality."""

import hashlib
import json

from runs.agent.json_data.json_types import JsonObject

canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
"""A value as canonical JSON: sorted keys, no spaces."""


def arguments_hash(arguments: JsonObject) -> str:
    """SHA-256 of the arguments as canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(arguments).encode()).hexdigest()


def changes(before: JsonObject, after: JsonObject) -> list[JsonObject]:
    """The changed arguments: `name`, with `before` and `after` where there is a value."""
    told = []
    for name in {**before, **after}:
        if name in before and name in after and canonical(before[name]) == canonical(after[name]):
            continue  # Not `==`: in Python 1 == True.
        change: JsonObject = {"name": name}
        if name in before:
            change["before"] = before[name]
        if name in after:
            change["after"] = after[name]
        told.append(change)
    return told
