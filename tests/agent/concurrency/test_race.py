"""`first_success`: the first success wins, and failures before it are ignored."""

import asyncio

import pytest

from runs.agent.concurrency.race import AllFailed, call_first_to_respond, first_success


class Lane:
    """An attempt that ends when the test releases it."""

    def __init__(self, outcome):
        self.outcome = outcome
        self.started = asyncio.Event()
        self.release = asyncio.Event()
        self.ended = False

    async def __call__(self):
        self.started.set()
        try:
            await self.release.wait()
            if isinstance(self.outcome, BaseException):
                raise self.outcome
            return self.outcome
        finally:
            await asyncio.sleep(0)  # tidying up takes a moment
            self.ended = True

    @classmethod
    def ready(cls, outcome):
        lane = cls(outcome)
        lane.release.set()
        return lane


async def test_the_fastest_wins_and_the_loser_is_cancelled_and_waited_for():
    slow, fast = Lane("slow"), Lane.ready("fast")

    assert await call_first_to_respond(slow(), fast()) == ("fast", 1)
    assert slow.ended


async def test_a_fast_failure_never_wins():
    failing, good = Lane.ready(ConnectionError("down")), Lane("good")
    race = asyncio.create_task(first_success(failing, good))
    await good.started.wait()
    good.release.set()

    assert await race == ("good", 1)


async def test_of_two_that_succeed_at_the_same_moment_the_first_named_wins():
    assert await first_success(Lane.ready("a"), Lane.ready("b")) == ("a", 0)


@pytest.mark.parametrize("strategy", ["race", "fallback", "hedge"])
async def test_if_all_fail_every_cause_is_there_in_order(strategy):
    one, two = ConnectionError("one"), TimeoutError("two")

    with pytest.raises(AllFailed) as caught:
        await first_success(Lane.ready(one), Lane.ready(two), strategy=strategy)
    assert caught.value.exceptions == (one, two)


async def test_fallback_starts_the_next_only_after_a_failure():
    first, second = Lane(ConnectionError()), Lane.ready("second")
    race = asyncio.create_task(first_success(first, second, strategy="fallback"))
    await first.started.wait()
    assert not second.started.is_set()
    first.release.set()

    assert await race == ("second", 1)


async def test_fallback_closes_what_was_never_started():
    async def never():
        raise AssertionError("started")

    unstarted = never()
    assert await first_success(Lane.ready("ok")(), unstarted, strategy="fallback") == ("ok", 0)
    with pytest.raises(RuntimeError, match="cannot reuse"):
        await unstarted


async def test_a_hedge_starts_the_next_when_nothing_came_in_time():
    first, second = Lane("first"), Lane.ready("second")

    assert await first_success(first, second, strategy="hedge", hedge_after_s=0.01) == ("second", 1)
    assert first.ended


async def test_a_hedge_starts_the_next_at_once_after_a_failure():
    first, second = Lane.ready(ConnectionError()), Lane.ready("second")

    async with asyncio.timeout(5):
        assert await first_success(first, second, strategy="hedge", hedge_after_s=60) == ("second", 1)


async def test_cancelling_the_race_ends_every_lane_first():
    lanes = [Lane("a"), Lane("b")]
    race = asyncio.create_task(first_success(*lanes))
    await lanes[1].started.wait()
    race.cancel()
    await asyncio.sleep(0)
    race.cancel()  # a second cancellation must not leave a lane running

    with pytest.raises(asyncio.CancelledError):
        await race
    assert all(lane.ended for lane in lanes)


async def test_an_attempt_that_cancels_itself_is_a_failure():
    assert await first_success(Lane.ready(asyncio.CancelledError()), Lane.ready("b")) == ("b", 1)


async def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        await first_success()
    with pytest.raises(ValueError, match="fallback, hedge, race, not 'sprint'"):
        await first_success(Lane.ready("a")(), strategy="sprint")  # type: ignore[arg-type]
