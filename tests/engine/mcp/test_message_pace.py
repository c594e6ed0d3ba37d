"""The pace at which messages of a server are handled: a burst at once, then so many a second, large ones as several."""

import pytest

from runs.engine.mcp.message_pace import MESSAGE_BYTES, MESSAGES_A_SECOND, MessagePace


class Clock:
    """A clock that stands still but for what is slept."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass."""
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    """The clock of the pace."""
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> MessagePace:
    """A pace by that clock."""
    return MessagePace(now_s=lambda: clock.now, sleep=clock.sleep)


async def test_a_burst_is_handled_at_once_and_what_follows_a_message_each_millisecond(
    pace: MessagePace, clock: Clock
) -> None:
    for _ in range(MESSAGES_A_SECOND):
        await pace.take(0)
    assert clock.slept == []

    for _ in range(10):
        await pace.take(0)

    assert clock.slept == pytest.approx([1 / MESSAGES_A_SECOND] * 10)


async def test_a_large_message_waits_as_long_as_many_small_ones(pace: MessagePace, clock: Clock) -> None:
    await pace.take(0, MESSAGES_A_SECOND)

    await pace.take(100 * MESSAGE_BYTES)

    assert clock.slept == pytest.approx([101 / MESSAGES_A_SECOND])


async def test_after_a_rest_there_is_room_for_one_burst_and_no_more(pace: MessagePace, clock: Clock) -> None:
    await pace.take(0, MESSAGES_A_SECOND)
    clock.now += 60

    await pace.take(0, MESSAGES_A_SECOND)
    assert clock.slept == []
    await pace.take(0)

    assert clock.slept == pytest.approx([1 / MESSAGES_A_SECOND])
