"""Formatting of numbers as text."""

import pytest

from runs.agent.errors.exceptions import LimitReached
from runs.agent.text import counted, dollars_text, number_text


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (counted(0, "run"), "0 runs"),
        (counted(1, "run"), "1 run"),
        (counted(1.0, "token"), "1 token"),
        (counted(2_000, "run"), "2,000 runs"),
        (counted(1, "person", "people"), "1 person"),
        (counted(2, "call is", "calls are"), "2 calls are"),
    ],
)
def test_one_of_a_thing_is_told_as_one(words: str, text: str) -> None:
    assert words == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (0.005, "0.005"),
        (0.0000012, "0.0000012"),
        (0.00123456, "0.00123"),
        (0.1 + 0.2, "0.3"),
        (2.5, "2.5"),
        (600.0004, "600"),
        (1_234_567, "1,234,567"),
        (30_047.0, "30,047"),
        (1e-9, "0.000000001"),
    ],
)
def test_a_number_has_the_digits_that_say_how_large_it_is(number: float, text: str) -> None:
    assert number_text(number) == text


@pytest.mark.parametrize(
    ("used", "limit", "needed", "words"),
    [
        (0, 0.005, 0.0123, "0 of 0.005 USD, and the next call may need 0.0123."),
        (0.0000004, 0.005, 0, "0.0000004 of 0.005 USD."),
        (0.006, 0.005, 0.1, "0.006 of 0.005 USD."),
        (1_234_567, 1_000_000, 0, "1,234,567 of 1,000,000 USD."),
    ],
)
def test_a_limit_says_what_was_used_and_what_was_wanted(used: float, limit: float, needed: float, words: str) -> None:
    reached = LimitReached("max_cost_usd", used=used, limit=limit, unit="USD", needed=needed)

    assert str(reached) == f"The run reached its limit max_cost_usd: {words}"


@pytest.mark.parametrize(("usd", "text"), [(5, "$5.00"), (0.0034, "$0.0034"), (0, "$0.00"), (1234.5, "$1,234.50")])
def test_dollars_have_cents_and_more_digits_only_where_they_are_needed(usd: float, text: str) -> None:
    assert dollars_text(usd) == text
