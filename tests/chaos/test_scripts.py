"""E28: a process dies at each call of a script; no call is made twice, and the script comes to its end."""

import json
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.chaos.attacked import Attacked
from tests.chaos.fleet import Fleet
from tests.chaos.script import script_value
from tests.chaos.site import ChaosSite
from tests.chaos.size import IS_FULL, SEED, calls_to_try, size
from tests.chaos.verdict import assert_sound

CALLS = size(short=20, full=200)
AT_ONCE = size(short=1, full=4)
"""Sites: each waits most of the time, for a process to start or a lease to run out."""
pytestmark = [pytest.mark.timeout(size(short=300, full=3600)), pytest.mark.usefixtures("forked")]


def test_a_server_that_dies_at_each_call_of_a_script_repeats_none(
    start_chaos: Callable[..., ChaosSite], report: Callable[[str, str], None]
):
    calls = calls_to_try(CALLS) if IS_FULL else range(6)
    report("E28", f"SQLite: {die_at_calls(start_chaos, calls)}")


def test_a_process_of_many_that_dies_at_each_call_of_a_script_repeats_none(
    start_fleet: Callable[..., Fleet], report: Callable[[str, str], None]
):
    calls = calls_to_try(CALLS) if IS_FULL else range(2)
    report("E28", f"Postgres: {die_at_calls(partial(start_fleet, AGENTSITE_LEASE_S='1'), calls)}")


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


def die_at_calls(start: Callable[[], Attacked], calls: range) -> str:
    """Make a process die after the result of each of these calls of a script, and for one in three after its proposal
    too; the calls are divided among `AT_ONCE` scripts of as many sites. Returns the figures."""
    parts = [calls[part * len(calls) // AT_ONCE : (part + 1) * len(calls) // AT_ONCE] for part in range(AT_ONCE)]
    sites = [start() for _ in parts]
    with ThreadPoolExecutor(AT_ONCE) as attackers:
        deaths = list(attackers.map(die_in_turn, sites, parts))
    points = sum(deaths, Counter[str]())
    died = ", ".join(f"{times} {point}" for point, times in sorted(points.items()))
    told = f"scripts of {CALLS} calls, killed {points.total()} times ({died}) at the calls {calls[0]} to {calls[-1]}"
    return f"{told}: 0 calls repeated, the value right"


def die_in_turn(site: Attacked, calls: range) -> "Counter[str]":
    """The same with one script; returns how often it died at which point."""
    at_random, label, points = random.Random(f"{SEED} {calls}"), f"s{CALLS}", Counter[str]()
    site.hold_from(calls[0])
    site.launch(f"script {label}")
    site.wait_until(lambda: site.count_starts() == calls[0] + 1)
    site.arm("after_result")
    site.forbid("hold")
    for number in calls:
        die(site, points, "after_result")
        assert [line.place for line in site.starts()] == [f"{label}/1/{place}" for place in range(number + 1)]
        if number == calls[-1]:
            continue
        # The proposal of the next call may have been in the last commit.
        if recorded(site) == number + 1 and not at_random.randrange(3):
            site.arm("after_reply")  # The next call is recorded, and not started.
            site.start()
            die(site, points, "after_reply")
        site.arm("after_result")
        site.start()
    site.start()
    assert_done(site, label)
    return points


def recorded(site: Attacked) -> int:
    """The number of calls that the script has made."""
    with site.ask() as query:
        return int(query("SELECT COUNT(*) FROM runs_toolcall WHERE tool_name <> 'run_python'")[0][0])


def die(site: Attacked, points: "Counter[str]", point: str) -> None:
    """Wait for the death at a point, and until the run may be taken."""
    site.wait_for_a_death()
    site.wait_until(site.leases_have_ended)
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
