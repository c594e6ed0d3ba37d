"""The names models may have."""

import re
from typing import Final

from runs.agent.providers.hosted import HOSTED

MAX_NAME_CHARS: Final = 256
"""Of a name with its server's. The longest in use are ARNs of Bedrock, of about 150."""

_FULL_NAME: Final = re.compile(rf"(?:{'|'.join(HOSTED)}):(.+)|[A-Za-z0-9][A-Za-z0-9_-]*/(.+)", flags=re.DOTALL)
"""A model of a known company, or one of a server named in `AGENTSITE_ENDPOINTS`, and its name there."""


def wrong_in(name: str) -> str | None:
    """What keeps this from being a model's name at any server, to be read after the name; None if nothing does.

    Servers use nearly everything: `@cf/meta/llama-3.3`, `model@2026-01-01`, `org/model:free`, `a=b,c+d`.
    """
    if not name:
        return "is empty"
    if len(name) > MAX_NAME_CHARS:
        return f"is longer than {MAX_NAME_CHARS} characters"
    if any(char.isspace() for char in name):
        return "has white space in it"
    if not name.isprintable():
        return "has a character in it that cannot be printed"
    return None


def name_fault(name: object) -> str | None:
    """Why this cannot be the name of any model, or None. Whether the model can be used is another question."""
    if name == "offline":
        return None
    if isinstance(name, str) and _FULL_NAME.fullmatch(name):
        fault = wrong_in(name)
        return f"{name[:MAX_NAME_CHARS]!r} is no name of a model: it {fault}." if fault else None
    hosted = ", ".join(f"{company}:NAME" for company in HOSTED)
    told = name[:MAX_NAME_CHARS] if isinstance(name, str) else name
    return f"{told!r} does not look like a model: write offline, {hosted} or SERVER/NAME."
