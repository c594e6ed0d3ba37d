"""`Backoff`: whether, and after which wait, a model call is retried."""

from math import inf

import pytest

from runs.agent.concurrency.retry import RetryPolicy
from runs.agent.model_calls.backoff import Backoff
from tests.agent.model_calls.models import failure


def changed():
    """A failure after which a request that differs is made."""
    refused = failure("context_overflow", status=400)
    refused.again = "with a shorter history"
    return refused


def backoff(left_s=inf, **policy):
    return Backoff(RetryPolicy(**policy), lambda: left_s)


def test_the_wait_after_a_failure_lies_below_a_bound_that_doubles():
    waits = backoff(max_attempts=4, base_s=1)

    for attempt in (1, 2, 3):
        wait_s = waits.next_wait_s(failure(), attempt=attempt)
        assert wait_s is not None
        assert 0 <= wait_s <= 2 ** (attempt - 1)


def test_after_the_last_attempt_there_is_no_wait_and_no_other_reason():
    last = failure()

    assert backoff(max_attempts=2).next_wait_s(last, attempt=2) is None
    assert last.no_more_because == ""


def test_requests_that_differ_use_up_no_attempts():
    waits = backoff(max_attempts=2, base_s=1)

    assert [waits.next_wait_s(changed(), attempt=attempt) for attempt in (1, 2)] == [0, 0]
    wait_s = waits.next_wait_s(failure(), attempt=3)
    assert wait_s is not None
    assert wait_s <= 1
    assert waits.next_wait_s(changed(), attempt=4) == 0
    assert waits.next_wait_s(failure(), attempt=5) is None


@pytest.mark.parametrize(
    ("retry_after_s", "left_s", "why"),
    [(61, inf, "The provider asked to wait 61 s"), (5, 4, "after the end of the run's time")],
)
def test_a_wait_that_is_too_long_ends_the_attempts_and_the_failure_says_why(retry_after_s, left_s, why):
    asked = failure("rate_limited", status=429, retry_after_s=retry_after_s)

    assert backoff(left_s).next_wait_s(asked, attempt=1) is None
    assert why in asked.no_more_because


def test_a_refusal_is_asked_for_only_when_nothing_else_ends_the_attempts():
    asked = []

    def refusal():
        asked.append(1)
        return "Too many."

    refused = failure()
    waits = backoff()

    assert waits.next_wait_s(failure(retry_after_s=61), attempt=1, refusal=refusal) is None
    assert asked == []
    assert waits.next_wait_s(refused, attempt=1, refusal=refusal) is None
    assert refused.no_more_because == "Too many."
