"""Several processes do rounds at the same time, each on its own connection."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
from django.db import connection

from runs.engine.alert_rules.rounds import EVERY, RoundResult, do_round
from runs.models import AlertRound, Run
from tests.engine.alert_rules.conftest import NOON, history, ran

PROCESSES = 4


def together(work: Callable[[], RoundResult | None]) -> list[RoundResult]:
    """Do this in several threads at the same time. Returns what those did that had a round."""
    start = Barrier(PROCESSES)

    def one() -> RoundResult | None:
        try:
            start.wait()
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(PROCESSES) as threads:
        done = [threads.submit(one) for _ in range(PROCESSES)]
        return [result for each in done if (result := each.result()) is not None]


@pytest.mark.django_db(transaction=True)
def test_each_change_of_a_level_is_written_once_by_four_processes(ruled, owner):
    rules = [ruled(name=f"Rule {number}", recovery_count=1) for number in range(10)]
    ran(owner, status="failed", count=9)

    for number in range(6):
        now = NOON + EVERY * number
        Run.objects.update(status="completed" if number % 2 else "failed")
        assert len(together(partial(do_round, now))) == 1

    assert AlertRound.objects.get().number == 6
    assert {tuple(history(rule)) for rule in rules} == {("alert", "ok") * 3}
