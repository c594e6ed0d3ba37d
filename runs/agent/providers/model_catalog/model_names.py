"""Validation of model names."""

import re
from typing import Final

from runs.agent.errors import model_sentences as sentences
from runs.agent.marked_words import words
from runs.agent.providers.model_catalog.hosted_providers import HOSTED

MAX_NAME_CHARS: Final = 128
"""Length limit of a full name, by the column of a step. The longest in use are Bedrock's ARNs of about 90."""

_FULL_NAME: Final = re.compile(rf"(?:{'|'.join(HOSTED)}):(.+)|[A-Za-z0-9][A-Za-z0-9_-]*/(.+)", flags=re.DOTALL)
"""A model of a hosted provider, or of a server of `AGENTSITE_ENDPOINTS`; the group is its name there."""


def wrong_in(name: str) -> str | None:
    """Why this cannot be the name of a model at its server, as the end of a sentence; None if it can.

    Servers use nearly all characters: `@cf/meta/llama-3.3`, `model@2026-01-01`, `org/model:free`, `a=b,c+d`.
    """
    if not name:
        return words("is empty")
    if len(name) > MAX_NAME_CHARS:
        return f"is longer than {MAX_NAME_CHARS} characters"
    if any(char.isspace() for char in name):
        return words("contains white space")
    if not name.isprintable():
        return words("contains a character that cannot be printed")
    return None


_BEGINNINGS: Final = (("gpt", "openai"), ("o3", "openai"), ("claude", "anthropic"), ("gemini", "google"))
"""How the names of companies' models begin, written without their company."""


def name_fault(name: object) -> str | None:
    """Why this cannot be the full name of any model, or None. Whether the model exists is not checked."""
    if name == "offline":
        return None
    if isinstance(name, str) and _FULL_NAME.fullmatch(name):
        fault = wrong_in(name)
        return sentences.NO_NAME.made(name=repr(name[:MAX_NAME_CHARS]), fault=fault) if fault else None
    told = name[:MAX_NAME_CHARS] if isinstance(name, str) else name
    meant = next((company for start, company in _BEGINNINGS if str(told).lower().startswith(start)), None)
    if meant is not None and _FULL_NAME.fullmatch(f"{meant}:{told}"):
        return sentences.NAME_MEANT.made(model=repr(told), meant=f"{meant}:{told}")
    hosted = ", ".join(f"{company}:NAME" for company in HOSTED)
    return sentences.NAME_FORMS.made(model=repr(told), hosted=hosted)
