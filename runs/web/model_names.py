"""The model names a person may choose or save."""

import re
from typing import Final

_NAME: Final = re.compile(
    r"offline|(openai|anthropic|google):[\w.:/-]+|[a-z0-9][a-z0-9_-]*/[\w.:/-]+", flags=re.ASCII | re.IGNORECASE
)
"""The offline planner, a model of a known provider, or one of a server named in `AGENTSITE_ENDPOINTS`."""


def model_choices() -> list[str]:
    """The models this installation can use, the offline planner first."""
    return ["offline"]


def name_fault(name: object) -> str | None:
    """Why this cannot be the name of any model, or None. Whether the model can be used is another question."""
    if isinstance(name, str) and _NAME.fullmatch(name):
        return None
    return f"{name!r} does not look like a model: write offline, openai:NAME or SERVER/NAME."


def model_fault(name: str) -> str | None:
    """Why a run cannot be launched with this model here, or None."""
    if name in model_choices():
        return None
    return name_fault(name) or f"There is no model {name!r} here. Choose one from the list."
