"""The model names a person may choose or save."""

import re
from typing import Final

from runs.agent.providers.catalog import HOSTED, provider_for

_NAME: Final = re.compile(
    rf"offline|({'|'.join(HOSTED)}):[\w.:/-]+|[a-z0-9][a-z0-9_-]*/[\w.:/-]+", flags=re.ASCII | re.IGNORECASE
)
"""The offline planner, a model of a known company, or one of a server named in `AGENTSITE_ENDPOINTS`."""


def name_fault(name: object) -> str | None:
    """Why this cannot be the name of any model, or None. Whether the model can be used is another question."""
    if isinstance(name, str) and _NAME.fullmatch(name):
        return None
    hosted = ", ".join(f"{company}:NAME" for company in HOSTED)
    return f"{name!r} does not look like a model: write offline, {hosted} or SERVER/NAME."


def model_fault(name: str) -> str | None:
    """Why a run cannot be launched with this model here, or None. A missing key is named by its variable."""
    if fault := name_fault(name):
        return fault
    try:
        provider_for(name)
    except ValueError as error:
        return str(error)
    return None
