"""E28: a process dies at each call of a script; no call is made twice, and the script comes to its end."""

import json
import random
from collections import Counter
from collections.abc import Callable

import pytest

from tests.chaos.attacked import Attacked
from tests.chaos.fleet import Fleet
from tests.chaos.script import script_value
from tests.chaos.site import ChaosSite
from tests.chaos.size import SEED, size
from tests.chaos.verdict import assert_sound

CALLS = size(short=20, full=200)
pytestmark = pytest.mark.timeout(size(short=300, full=3600))


def test_a_server_that_dies_at_each_call_of_a_script_repeats_none(
    start_chaos: Callable[..., ChaosSite], report: Callable[[str, str], None]
):
    report("E28", f"SQLite: {die_at_calls(start_chaos(), size(short=6, full=CALLS))}")


def test_a_process_of_many_that_dies_at_each_call_of_a_script_repeats_none(
    start_fleet: Callable[..., Fleet], report: Callable[[str, str], None]
):
    site = start_fleet(AGENTSITE_LEASE_S="1")
    report("E28", f"Postgres: {die_at_calls(site, size(short=2, full=CALLS))}")


def test_approvals_in_a_script_are_given_after_the_server_has_died(start_chaos: Callable[..., ChaosSite]):
    site = start_chaos()
    site.launch("script s3", agent="Careful")
    site.wait_until(site.waits_for_approval)

    approvals = 0
    while not site.all_ended():
        site.kill()
        site.start()
        approvals += len(site.waiting_calls("awaiting_approval"))
        site.approve()
        site.wait_until(lambda: site.waiting_calls("awaiting_approval") or site.all_ended())

    assert approvals == 4  # Of the script, and of each of its calls.
    assert_done(site, "s3")


def die_at_calls(site: Attacked, deaths: int) -> str:
    """Make a process die after the result of each of the first `deaths` calls of a script, and for one in three after
    its proposal too; returns the figures."""
    at_random, label, points = random.Random(SEED), f"s{CALLS}", Counter[str]()
    site.arm("after_result")
    site.launch(f"script {label}")
    for number in range(deaths):
        die(site, points, "after_result")
        if number + 1 < deaths and not at_random.randrange(3):
            site.arm("after_reply")  # The next call is recorded, and not started.
            site.start()
            die(site, points, "after_reply")
        if number + 1 < deaths:
            site.arm("after_result")
            site.start()
    site.start()
    assert_done(site, label)
    died = ", ".join(f"{times} {point}" for point, times in sorted(points.items()))
    return f"a script of {CALLS} calls, killed {points.total()} times ({died}): 0 calls repeated, the value right"


def die(site: Attacked, points: "Counter[str]", point: str) -> None:
    """Wait for the death at a point."""
    site.wait_for_a_death()
    assert site.disarm(), f"Nobody came past {point}."
    points[point] += 1


def assert_done(site: Attacked, label: str) -> None:
    """The run is completed, each call was started once, and the script gave what its calls came to."""
    site.wait_until(site.all_ended)
    assert site.statuses() == [("completed", "")]
    starts = Counter(line.place for line in site.starts())
    assert starts == Counter(f"{label}/1/{place}" for place in range(int(label[1:])))
    with site.ask() as query:
        told = "SELECT tool_output FROM runs_step WHERE kind = 'tool_result' AND tool_name = 'run_python'"
        ((output,),) = query(told)
    given = json.loads(output) if isinstance(output, str) else output
    assert given == {"printed": "", "value": script_value(label)}
    assert_sound(site.evidence())
