"""Sets of the fields that formats have."""


def fields(listed: str) -> frozenset[str]:
    """The names in a text, separated by spaces."""
    return frozenset(listed.split())
