"""Names of stored tools, which every model provider and every script accepts."""

import hashlib
from collections.abc import Collection
from typing import Final

from runs.models.tool_source import MAX_REMOTE_NAME, MAX_TOOL_NAME

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
        digest = _digest(remote_name, tries)
        name = f"{source}{SEPARATOR}{cleaned_name(remote_name)}"[: MAX_TOOL_NAME - _DIGITS - 1] + f"_{digest}"
        tries += 1
    return name


def own_remote_name(shown: str, remote_name: str, taken: Collection[str]) -> str:
    """What is `shown` of a remote name that cannot be stored, with a hash at its end if that is `taken`."""
    name = shown
    tries = 0
    while name in taken:
        name = f"{shown[: MAX_REMOTE_NAME - _DIGITS - 1]}_{_digest(remote_name, tries)}"
        tries += 1
    return name


def _digest(remote_name: str, tries: int) -> str:
    return hashlib.sha256(f"{remote_name}\0{tries}".encode(errors="replace")).hexdigest()[:_DIGITS]
