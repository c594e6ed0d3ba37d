"""Retirement dates of models, as announced by the companies, and their texts."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final

from runs.agent.text import counted

SOON_DAYS: Final = 60
"""A model that retires within this time is marked for its users and no longer offered."""

_OPENAI_2026_10, _OPENAI_2026_12, _OPENAI_2027_01 = date(2026, 10, 23), date(2026, 12, 11), date(2027, 1, 14)
_CLAUDE_3, _CLAUDE_4 = date(2026, 2, 19), date(2026, 6, 15)

ANNOUNCED: Final[Mapping[str, Mapping[str, date]]] = {
    # https://developers.openai.com/api/docs/deprecations, read in November 2026
    "openai": {
        **dict.fromkeys(("gpt-5-chat-latest", "gpt-5-codex", "gpt-5.1-chat-latest"), date(2026, 7, 23)),
        **dict.fromkeys(("gpt-5.1-codex", "gpt-5.1-codex-max", "gpt-5.1-codex-mini"), date(2026, 7, 23)),
        **dict.fromkeys(("gpt-5.2-codex", "o3-deep-research", "o4-mini-deep-research"), date(2026, 7, 23)),
        **dict.fromkeys(("gpt-5.2-chat-latest", "gpt-5.3-chat-latest"), date(2026, 8, 10)),
        **dict.fromkeys(("gpt-3.5-turbo", "gpt-4", "gpt-4-turbo", "gpt-4.1-nano"), _OPENAI_2026_10),
        **dict.fromkeys(("gpt-4o-2024-05-13", "o1", "o1-pro", "o3-mini", "o4-mini"), _OPENAI_2026_10),
        **dict.fromkeys(("gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-5-pro", "o3", "o3-pro"), _OPENAI_2026_12),
        **dict.fromkeys(("gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini"), _OPENAI_2027_01),
        "gpt-5.1": date(2027, 4, 1),
    },
    # https://platform.claude.com/docs/en/about-claude/model-deprecations and the anthropic package's DEPRECATED_MODELS
    "anthropic": {
        "claude-3-sonnet": date(2025, 7, 21),
        **dict.fromkeys(("claude-3-opus", "claude-3-opus-latest"), date(2026, 1, 5)),
        **dict.fromkeys(("claude-3-7-sonnet", "claude-3-7-sonnet-latest"), _CLAUDE_3),
        **dict.fromkeys(("claude-3-5-haiku", "claude-3-5-haiku-latest"), _CLAUDE_3),
        **dict.fromkeys(("claude-opus-4", "claude-opus-4-0", "claude-sonnet-4", "claude-sonnet-4-0"), _CLAUDE_4),
        "claude-mythos-preview": date(2026, 6, 30),
        "claude-opus-4-1": date(2026, 8, 5),
        "claude-sonnet-4-5": date(2026, 11, 30),
    },
    # https://ai.google.dev/gemini-api/docs/deprecations, read in November 2026
    "google": {
        "gemini-3-pro-preview": date(2026, 3, 9),
        "gemini-3.1-flash-lite-preview": date(2026, 5, 25),
        **dict.fromkeys(("gemini-2.0-flash", "gemini-2.0-flash-lite"), date(2026, 6, 1)),
        **dict.fromkeys(("gemini-2.5-pro", "gemini-2.5-flash"), date(2026, 12, 1)),
    },
}
"""Retirement dates by company and model; they hold for dated versions and fine-tuned models too."""

_SNAPSHOT: Final = re.compile(r"(.+?)(?:-\d{4}-\d{2}-\d{2}|-\d{8}|-\d{3})")
"""A model name with the date or number of a version as its suffix."""


def announced(company: str, model: str) -> date | None:
    """The retirement date that the company has announced; None if none is known here."""
    known = ANNOUNCED.get(company, {})
    name = model.split(":")[1] if model.startswith("ft:") and model.count(":") > 1 else model
    if name in known:
        return known[name]
    snapshot = _SNAPSHOT.fullmatch(name)
    return known.get(snapshot[1]) if snapshot else None


def today() -> date:
    """The current date in UTC."""
    return datetime.now(UTC).date()


def is_near(retires_on: date | None, *, on: date | None = None) -> bool:
    """True if the date is past or within `SOON_DAYS`. `on` is the current date; None: today."""
    return retires_on is not None and (retires_on - (on or today())).days <= SOON_DAYS


def words_about(retires_on: date | None, *, on: date | None = None) -> str:
    """The phrase about the retirement, to follow the model's name; empty while it is not near."""
    if retires_on is None or not is_near(retires_on, on=on):
        return ""
    days = (retires_on - (on or today())).days
    if days < 0:
        return "retired" if retires_on == date.min else f"retired on {retires_on}"
    return f"retires today, {retires_on}" if days == 0 else f"retires on {retires_on}, in {counted(days, 'day')}"
