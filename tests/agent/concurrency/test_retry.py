"""`RetryPolicy`, and `async_retry`."""

import asyncio
import logging

import pytest

from runs.agent.concurrency.retry import RetryPolicy, async_retry


@pytest.mark.parametrize("wrong", [{"max_attempts": 0}, {"base_s": -1}, {"cap_s": -1}])
def test_a_policy_refuses_nonsense(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RetryPolicy(**wrong)


@pytest.fixture
def no_waiting(monkeypatch):
    """The waits, recorded instead of slept."""
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

    with caplog.at_level(logging.WARNING, logger="runs.agent.concurrency.retry"):
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
