"""Context overflows are recognised in the messages of all known servers, and no other error is."""

import json
import time

import pytest

from runs.agent.providers.error_mapping.context_overflow import Overflow, overflow_of
from tests.agent.wordings import rows_of

OVERFLOWS = rows_of("overflows", "status", "body", "window", "requested")


@pytest.mark.parametrize(("status", "body", "window", "requested"), OVERFLOWS)
def test_a_request_larger_than_the_window_is_recognised_with_what_is_told_of_it(status, body, window, requested):
    assert overflow_of(status, body) == Overflow(window, requested)


@pytest.mark.parametrize(("status", "body", "window", "requested"), OVERFLOWS)
def test_it_is_recognised_in_the_bytes_of_a_body_too(status, body, window, requested):
    as_sent = body if isinstance(body, str) else json.dumps(body)

    assert overflow_of(status, as_sent.encode()) == Overflow(window, requested)


@pytest.mark.parametrize(("status", "body"), rows_of("no_overflows", "status", "body"))
def test_limits_on_the_reply_on_the_rate_and_on_bytes_are_not_taken_for_it(status, body):
    assert overflow_of(status, body) is None


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_a_status_that_says_something_else_is_believed(status):
    assert overflow_of(status, "prompt is too long: 219898 tokens > 200000 maximum") is None


@pytest.mark.parametrize("number", ["0", "9" * 30, "12", "99999999999"])
def test_a_number_that_is_no_window_is_not_learnt(number):
    told = overflow_of(400, f"request (5000 tokens) exceeds the available context size ({number} tokens)")

    assert told == Overflow(None, 5000)


@pytest.mark.parametrize(
    "text",
    [
        "context length of " * 20_000,
        "maximum context length is 1" * 20_000,
        "prompt is too long: " + "1," * 100_000,
        "request too large for " * 20_000,
        "1 " * 200_000,
        "[" * 200_000,
        "<title" * 40_000,
        " " * 400_000,
    ],
    ids=lambda text: text[:20],
)
def test_no_wording_takes_long_to_read(text):
    started = time.process_time()

    overflow_of(400, text)

    assert time.process_time() - started < 1
