"""When an event is tried again."""

from random import Random

import pytest

from runs.engine.outbound.retry_schedule import JITTER, MOST_ASKED_S, TRIED_FOR, WAITS_S, wait_after


class Longest(Random):
    """Always the longest jitter."""

    def random(self) -> float:
        return 1.0


def test_the_attempts_are_spread_over_a_day_with_the_longest_jitter_too() -> None:
    waits = [wait_after(number, None, Longest()) for number in range(1, len(WAITS_S) + 1)]

    assert sum(wait or 0 for wait in waits) == pytest.approx(sum(WAITS_S) * (1 + JITTER))
    assert 0.95 < sum(wait or 0 for wait in waits) / TRIED_FOR.total_seconds() < 1
    assert wait_after(len(WAITS_S) + 1, None, Longest()) is None


def test_a_receiver_may_make_a_wait_longer_within_a_bound_but_not_shorter() -> None:
    chance = Random(1)

    assert wait_after(1, 60, chance) == 60
    assert (wait_after(2, 1, chance) or 0) >= WAITS_S[1]
    assert wait_after(1, 10**9, chance) == MOST_ASKED_S
