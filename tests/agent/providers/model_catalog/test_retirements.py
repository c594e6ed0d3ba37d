"""Retirement dates of models, and their texts."""

from datetime import date, timedelta

import pytest

from runs.agent.providers.model_catalog.catalog import retirement_of
from runs.agent.providers.model_catalog.retirements import ANNOUNCED, SOON_DAYS, announced, is_near, words_about

DAY = date(2026, 11, 28)


@pytest.mark.parametrize(
    ("company", "model", "ends"),
    [
        ("openai", "gpt-5", date(2026, 12, 11)),
        ("openai", "gpt-5-mini-2025-08-07", date(2026, 12, 11)),
        ("openai", "o3", date(2026, 12, 11)),
        ("openai", "gpt-4o", date(2027, 1, 14)),
        ("openai", "ft:gpt-4.1-mini-2025-04-14:org::id", date(2027, 1, 14)),
        ("anthropic", "claude-sonnet-4-5-20250929", date(2026, 11, 30)),
        ("anthropic", "claude-opus-4-20250514", date(2026, 6, 15)),
        ("google", "gemini-2.5-pro", date(2026, 12, 1)),
        ("google", "gemini-2.0-flash-001", date(2026, 6, 1)),
        ("openai", "gpt-5.4-mini", None),
        ("openai", "gpt-5-something-else", None),
        ("anthropic", "claude-sonnet-4-6", None),
        ("google", "gemini-2.5-flash-lite", None),
        ("openrouter", "gpt-5", None),
        ("openai", "", None),
    ],
)
def test_what_a_company_announced_holds_for_every_form_of_the_model(company, model, ends):
    assert announced(company, model) == ends


def test_a_model_of_the_same_name_at_another_server_does_not_end_with_it():
    endpoint = '[{"name": "or", "base_url": "http://127.0.0.1:9/v1", "models": ["gpt-5"]}]'

    assert retirement_of("or/gpt-5", environ={"AGENTSITE_ENDPOINTS": endpoint}) is None
    assert retirement_of("openai:gpt-5", environ={}) == date(2026, 12, 11)
    assert retirement_of("gone/m1", environ={}) is None
    assert retirement_of("offline", environ={}) is None


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (-36, "retired on 2026-10-23"),
        (0, "retires today, 2026-11-28"),
        (1, "retires on 2026-11-29, in 1 day"),
        (13, "retires on 2026-12-11, in 13 days"),
        (SOON_DAYS, "retires on 2027-01-27, in 60 days"),
        (SOON_DAYS + 1, ""),
    ],
)
def test_the_last_sixty_days_of_a_model_are_told_and_so_is_its_end(days, words):
    ends = DAY + timedelta(days=days)

    assert words_about(ends, on=DAY) == words
    assert is_near(ends, on=DAY) is bool(words)


def test_a_model_that_ended_nobody_knows_when_has_ended():
    assert words_about(date.min, on=DAY) == "retired"
    assert words_about(None, on=DAY) == ""


def test_the_announced_days_are_of_models_the_companies_are_asked_for():
    assert set(ANNOUNCED) == {"openai", "anthropic", "google"}
