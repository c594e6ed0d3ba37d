"""Field names of the formats, as sets."""


def fields(listed: str) -> frozenset[str]:
    """The names in a text, separated by spaces."""
    return frozenset(listed.split())
