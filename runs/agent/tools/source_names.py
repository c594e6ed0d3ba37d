"""The names of sources of tools, such as MCP servers: the namespaces of their tools' names."""

from typing import Final

MAX_SOURCE_NAME: Final = 24


def is_source_name(name: str) -> bool:
    """True for lower-case ASCII letters, digits and single underscores that begin with a letter: at most
    `MAX_SOURCE_NAME` characters."""
    parts = name.split("_")
    return (
        len(name) <= MAX_SOURCE_NAME
        and name.isascii()
        and name[:1].isalpha()
        and name == name.lower()
        and all(part.isalnum() for part in parts)
    )
