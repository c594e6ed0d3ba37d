"""Names of stored tools, which every model provider and every script accepts."""

import hashlib
from collections.abc import Collection
from typing import Final

from runs.models.tool_source import MAX_TOOL_NAME

SEPARATOR: Final = "__"
"""Between the name of the source and that of its tool."""
_DIGITS: Final = 8
"""Of a hash that tells two names apart."""


def cleaned_name(remote_name: str) -> str:
    """The name with `_` for each character that not every provider accepts."""
    return "".join(each if each.isascii() and each.isalnum() else "_" for each in remote_name)


def tool_name(source: str, remote_name: str, taken: Collection[str]) -> str:
    """A name for a tool of the source, at most `MAX_TOOL_NAME` characters: `source__name`, with a hash at its end if it
    is too long or `taken`."""
    name = f"{source}{SEPARATOR}{cleaned_name(remote_name)}"
    tries = 0
    while len(name) > MAX_TOOL_NAME or name in taken:
        digest = hashlib.sha256(f"{remote_name}\0{tries}".encode(errors="replace")).hexdigest()[:_DIGITS]
        name = f"{source}{SEPARATOR}{cleaned_name(remote_name)}"[: MAX_TOOL_NAME - _DIGITS - 1] + f"_{digest}"
        tries += 1
    return name
