"""`RetryPolicy` with `attempts`, and `async_retry`."""

import asyncio
import logging

import pytest

from runs.agent.errors import ModelFailure, ModelUnavailable
from runs.agent.retry import RetryPolicy, async_retry, attempts


def failure(kind="overloaded", *, status=None, retry_after_s=None):
    return ModelFailure(
        "It broke.", kind=kind, provider="local", model="m1", status=status, retry_after_s=retry_after_s
    )


class Ladder:
    """A call that fails as told, with the waits and the reports it caused, and no real sleeping."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.told = []
        self.slept = []

    async def call(self, attempt):
        outcome = self.outcomes[attempt - 1]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    async def on_failed_attempt(self, failure, *, attempt, max_attempts, wait_s):
        self.told.append((attempt, max_attempts, wait_s))

    async def sleep(self, seconds):
        self.slept.append(seconds)

    async def climb(self, policy=RetryPolicy(), **options):  # noqa: B008 - frozen
        return await attempts(policy, self.call, on_failed_attempt=self.on_failed_attempt, sleep=self.sleep, **options)


async def test_a_call_that_fails_twice_succeeds_at_the_third_attempt_and_both_failures_are_told():
    ladder = Ladder(failure(), failure("timeout"), "reply")

    assert await ladder.climb() == "reply"

    (first, second) = ladder.told
    assert (first[:2], second[:2]) == ((1, 3), (2, 3))
    assert [first[2], second[2]] == ladder.slept
    assert 0 <= ladder.slept[0] <= 0.5
    assert 0 <= ladder.slept[1] <= 1.0


async def test_after_the_last_attempt_the_model_is_unavailable_because_of_the_last_failure():
    last = failure("server", status=503)
    ladder = Ladder(failure(), failure(), last)

    with pytest.raises(ModelUnavailable, match="gave no reply in 3 attempts") as caught:
        await ladder.climb()

    assert caught.value.__cause__ is last
    assert (caught.value.status, caught.value.attempts) == (503, 3)
    assert ladder.told[-1] == (3, 3, None)


async def test_what_would_only_fail_again_is_raised_at_once_unchanged_and_told():
    refused = failure("refused", status=400)
    ladder = Ladder(refused)

    with pytest.raises(ModelFailure) as caught:
        await ladder.climb()

    assert caught.value is refused
    assert ladder.told == [(1, 3, None)]
    assert ladder.slept == []


async def test_what_is_no_models_failure_passes_untold():
    ladder = Ladder(RuntimeError("a bug"))

    with pytest.raises(RuntimeError, match="a bug"):
        await ladder.climb()
    assert ladder.told == []


async def test_the_wait_is_at_least_what_the_provider_asked_for():
    ladder = Ladder(failure("rate_limited", status=429, retry_after_s=7), "reply")

    await ladder.climb()

    assert 7 <= ladder.slept[0] <= 7.7


async def test_a_provider_that_asks_for_more_than_a_minute_is_not_waited_for():
    ladder = Ladder(failure("rate_limited", status=429, retry_after_s=61))

    with pytest.raises(ModelUnavailable, match="in 1 attempt"):
        await ladder.climb()
    assert ladder.told == [(1, 3, None)]


@pytest.mark.parametrize(
    "away",
    [failure("network"), ModelFailure("Loading model", kind="overloaded", provider="local", model="m1", status=503)],
    ids=["no connection", "loading"],
)
@pytest.mark.parametrize("most", [2, 3, 6, 10])
async def test_the_attempts_outlast_a_server_that_needs_ten_seconds_to_come_back(away, most):
    ladder = Ladder(*[away] * (most - 1), "reply")

    assert await ladder.climb(RetryPolicy(max_attempts=most)) == "reply"

    assert sum(ladder.slept) >= 10
    assert max(ladder.slept) <= 30


async def test_a_server_that_answers_is_not_waited_for_as_if_it_were_away():
    ladder = Ladder(failure("overloaded", status=503), failure("server", status=500), "reply")

    await ladder.climb()

    assert sum(ladder.slept) <= 0.5 + 1


async def test_a_run_with_little_time_does_not_wait_it_away():
    ladder = Ladder(failure("network"), failure("network"), "reply")

    await ladder.climb(time_left=lambda: 3.0)

    assert max(ladder.slept) <= 1.5


async def test_a_request_that_differs_is_made_at_once_and_beyond_the_last_attempt():
    refused = failure("refused", status=400)
    refused.again = "without `stream_options`"
    ladder = Ladder(refused, "reply")

    assert await ladder.climb(RetryPolicy(max_attempts=1)) == "reply"

    assert ladder.slept == [0]


async def test_there_is_no_retry_when_the_wait_is_longer_than_the_time_left():
    ladder = Ladder(failure(retry_after_s=5))

    with pytest.raises(ModelUnavailable):
        await ladder.climb(time_left=lambda: 4.0)
    assert ladder.slept == []


async def test_a_failed_attempt_is_told_before_the_wait_starts():
    ladder = Ladder(failure(), "reply")
    order = []

    async def told(failure, *, attempt, max_attempts, wait_s):
        order.append("told")

    async def sleep(seconds):
        order.append("slept")

    await attempts(RetryPolicy(), ladder.call, on_failed_attempt=told, sleep=sleep)

    assert order == ["told", "slept"]


async def test_cancelling_ends_the_wait():
    ladder = Ladder(failure(retry_after_s=59))
    waiting = asyncio.Event()

    async def told(failure, *, attempt, max_attempts, wait_s):
        waiting.set()

    task = asyncio.create_task(attempts(RetryPolicy(), ladder.call, on_failed_attempt=told))
    await waiting.wait()
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_waits_never_exceed_the_cap_however_many_attempts():
    ladder = Ladder(*[failure()] * 2000, "reply")

    await ladder.climb(RetryPolicy(max_attempts=2001, base_s=0.5, cap_s=3))

    assert max(ladder.slept) <= 3
    assert len({round(each, 6) for each in ladder.slept[5:]}) > 1000  # jitter, not a fixed wait


@pytest.mark.parametrize("wrong", [{"max_attempts": 0}, {"base_s": -1}, {"cap_s": -1}])
def test_a_policy_refuses_nonsense(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RetryPolicy(**wrong)


@pytest.fixture
def no_waiting(monkeypatch):
    """Waits that are recorded instead of slept."""
    slept: list[float] = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return slept


async def test_a_decorated_function_is_tried_again_with_random_waits(no_waiting, caplog, capsys):
    calls = []

    @async_retry(max_attempts=3, backoff_base=2.0, exceptions=(TimeoutError, ConnectionError))
    async def flaky(prompt: str) -> str:
        """Answer."""
        calls.append(prompt)
        if len(calls) < 3:
            raise ConnectionError("API unavailable")
        return f"Response to: {prompt}"

    with caplog.at_level(logging.WARNING, logger="runs.agent.retry"):
        assert await flaky("Hello") == "Response to: Hello"

    assert flaky.__name__ == "flaky"
    assert len(no_waiting) == 2
    assert no_waiting[0] <= 1.0
    assert no_waiting[1] <= 2.0
    assert "Attempt 1 of" in caplog.text
    assert capsys.readouterr().out == ""


async def test_the_last_exception_itself_is_raised(no_waiting):
    last = ConnectionError("third")
    errors = [ConnectionError("first"), ConnectionError("second"), last]

    @async_retry()
    async def always() -> None:
        raise errors.pop(0)

    with pytest.raises(ConnectionError) as caught:
        await always()
    assert caught.value is last


@pytest.mark.parametrize("error", [ValueError("wrong"), asyncio.CancelledError()])
async def test_by_default_only_the_recoverable_is_tried_again(no_waiting, error):
    calls = []

    @async_retry(max_attempts=5)
    async def refuses() -> None:
        calls.append(1)
        raise error

    with pytest.raises(type(error)):
        await refuses()
    assert len(calls) == 1


async def test_a_cancellation_is_never_retried_even_if_asked_for(no_waiting):
    calls = []

    @async_retry(exceptions=(BaseException,))  # type: ignore[arg-type]
    async def cancelled() -> None:
        calls.append(1)
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await cancelled()
    assert len(calls) == 1
