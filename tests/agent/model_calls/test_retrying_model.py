"""`RetryingModel`: when and how often it retries, and what ends the attempts."""

import asyncio

import pytest

from runs.agent.concurrency.retry import RetryPolicy
from runs.agent.errors.model_exceptions import ModelFailure, ModelUnavailable
from runs.agent.messages import ModelRequest
from runs.agent.model_calls.interruptible_sleep import InterruptibleSleep
from runs.agent.model_calls.retrying_model import RetryingModel
from tests.agent.model_calls.contexts import context_of
from tests.agent.model_calls.models import failure

ASKED = ModelRequest(task="Hello?")


class Flaky:
    """A model with given failures that records waits and reports without real sleeping."""

    name, model, attempt = "p", "m", None

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.told = []
        self.slept = []
        self.order = []
        self.is_told = asyncio.Event()

    async def reply(self, request, *, on_delta=None):
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def soonest(self):
        return 0.0, self

    def take_retry(self):
        return True

    async def record_failure(self, failure, *, wait_s):
        self.told.append((self.context.attempt_number, self.context.retry.max_attempts, wait_s))
        self.order.append("told")
        self.is_told.set()

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.order.append("slept")
        return True

    def check(self) -> None:
        """Do nothing: the run is not stopped."""

    async def retried(self, policy=RetryPolicy(), *, sleep=None, **options):  # noqa: B008 - frozen
        self.context = context_of(retry=policy, sleep=sleep or self, **options)
        return await RetryingModel(self, self.context).reply(ASKED)


async def test_a_call_that_fails_twice_succeeds_at_the_third_attempt_and_both_failures_are_told():
    flaky = Flaky(failure(), failure("timeout"), "reply")

    assert await flaky.retried() == "reply"

    (first, second) = flaky.told
    assert (first[:2], second[:2]) == ((1, 3), (2, 3))
    assert [first[2], second[2]] == flaky.slept
    assert 0 <= flaky.slept[0] <= 0.5
    assert 0 <= flaky.slept[1] <= 1.0


async def test_after_the_last_attempt_the_model_is_unavailable_because_of_the_last_failure():
    last = failure("server", status=503)
    flaky = Flaky(failure(), failure(), last)

    with pytest.raises(ModelUnavailable, match=r"No reply of .* after 3 attempts") as caught:
        await flaky.retried()

    assert caught.value.__cause__ is last
    assert (caught.value.status, caught.value.attempts) == (503, 3)
    assert flaky.told[-1] == (3, 3, None)


async def test_what_would_only_fail_again_is_raised_at_once_unchanged_and_told():
    refused = failure("refused", status=400)
    flaky = Flaky(refused)

    with pytest.raises(ModelFailure) as caught:
        await flaky.retried()

    assert caught.value is refused
    assert flaky.told == [(1, 3, None)]
    assert flaky.slept == []


async def test_what_is_no_models_failure_passes_untold():
    flaky = Flaky(RuntimeError("a bug"))

    with pytest.raises(RuntimeError, match="a bug"):
        await flaky.retried()
    assert flaky.told == []


async def test_the_wait_is_at_least_what_the_provider_asked_for():
    flaky = Flaky(failure("rate_limited", status=429, retry_after_s=7), "reply")

    await flaky.retried()

    assert 7 <= flaky.slept[0] <= 7.7


async def test_a_provider_that_asks_for_more_than_a_minute_is_not_waited_for():
    flaky = Flaky(failure("rate_limited", status=429, retry_after_s=61))

    with pytest.raises(ModelUnavailable, match="after 1 attempt"):
        await flaky.retried()
    assert flaky.told == [(1, 3, None)]


@pytest.mark.parametrize(
    "away",
    [failure("network"), ModelFailure("Loading model", kind="overloaded", provider="local", model="m1", status=503)],
    ids=["no connection", "loading"],
)
@pytest.mark.parametrize("most", [2, 3, 6, 10])
async def test_the_attempts_outlast_a_server_that_needs_ten_seconds_to_come_back(away, most):
    flaky = Flaky(*[away] * (most - 1), "reply")

    assert await flaky.retried(RetryPolicy(max_attempts=most)) == "reply"

    assert sum(flaky.slept) >= 10
    assert max(flaky.slept) <= 30


async def test_a_server_that_answers_is_not_waited_for_as_if_it_were_away():
    flaky = Flaky(failure("overloaded", status=503), failure("server", status=500), "reply")

    await flaky.retried()

    assert sum(flaky.slept) <= 0.5 + 1


async def test_a_run_with_little_time_does_not_wait_it_away():
    flaky = Flaky(failure("network"), failure("network"), "reply")

    await flaky.retried(left_s=3.0)

    assert max(flaky.slept) <= 1.5


async def test_a_request_that_differs_is_made_at_once_and_beyond_the_last_attempt():
    refused = failure("refused", status=400)
    refused.again = "without `stream_options`"
    flaky = Flaky(refused, "reply")

    assert await flaky.retried(RetryPolicy(max_attempts=1)) == "reply"

    assert flaky.slept == [0]


async def test_there_is_no_retry_when_the_wait_is_longer_than_the_time_left():
    flaky = Flaky(failure(retry_after_s=5))

    with pytest.raises(ModelUnavailable):
        await flaky.retried(left_s=4.0)
    assert flaky.slept == []


async def test_a_failed_attempt_is_told_before_the_wait_starts():
    flaky = Flaky(failure(), "reply")

    await flaky.retried()

    assert flaky.order == ["told", "slept"]


async def test_cancelling_ends_the_wait():
    flaky = Flaky(failure(retry_after_s=59))
    task = asyncio.create_task(flaky.retried(sleep=InterruptibleSleep()))
    await flaky.is_told.wait()
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_waits_never_exceed_the_cap_however_many_attempts():
    flaky = Flaky(*[failure()] * 2000, "reply")

    await flaky.retried(RetryPolicy(max_attempts=2001, base_s=0.5, cap_s=3))

    assert max(flaky.slept) <= 3
    assert len({round(each, 6) for each in flaky.slept[5:]}) > 1000  # jitter, not a fixed wait
