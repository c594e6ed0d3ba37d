"""Test of the checker itself: deliberate bugs in a real server, each of which it has to find."""

import os
import signal
from collections.abc import Callable

from tests.chaos.checker import faults_in
from tests.chaos.fleet import Fleet
from tests.chaos.site import ChaosSite
from tests.chaos.size import only_whole, size
from tests.chaos.test_crashpoints import ask_to_stop, hold

WITH_BUGS = {"AGENTSITE_TOOLS": "tests.chaos.tools,tests.chaos.bugs"}
LEASE_S = 2


def test_the_checker_finds_every_bug_that_is_made_on_purpose(
    start_chaos: Callable[..., ChaosSite], report: Callable[[str, str], None]
):
    site = start_chaos(**WITH_BUGS)
    sound = run_through(site, "")
    found = {bug: run_through(site, bug) for bug in size(short=QUICK, full=tuple(SCENES))}

    told = ", ".join(f"{bug} ({'/'.join(sorted(invariants))})" for bug, invariants in found.items())
    report("bugs", f"{sum(map(bool, found.values()))} of {len(found)} found: {told}")
    assert sound == set()
    assert all(found.values())


@only_whole
def test_the_checker_finds_a_worker_that_writes_after_its_runs_were_taken_over(
    start_fleet: Callable[..., Fleet], report: Callable[[str, str], None]
):
    site = start_fleet(workers=2, AGENTSITE_LEASE_S=str(LEASE_S), **WITH_BUGS)

    sound = take_over(site, "sound")
    found = take_over(site, "not_fenced")

    report("bugs", f"{bool(found):d} of 1 found: not_fenced ({'/'.join(sorted(found))})")
    assert sound == set()
    assert found


def take_over(site: Fleet, bug: str) -> set[str]:
    """Suspend a worker in a call until the other has ended the run, and wake it; returns the broken invariants."""
    before = set(faults_in(site.evidence()))
    (site.witness / "bug").write_text(bug)
    hold(site, f"work_read {bug}")
    pid = site.starts()[-1].pid
    os.kill(pid, signal.SIGSTOP)
    site.wait_until(lambda: site.starts()[-1].pid != pid)
    site.forbid("hold")
    site.wait_until(site.all_ended)
    asleep = len(site.starts())
    os.kill(pid, signal.SIGCONT)
    # Its write for the call comes before the writes for a later run.
    site.launch(*(f"work after-{bug}-{number}" for number in range(8)))
    site.wait_until(lambda: site.all_ended() and pid in {line.pid for line in site.starts()[asleep:]})
    (site.witness / "bug").unlink()
    return {fault.split(":")[0] for fault in set(faults_in(site.evidence())) - before}


def run_through(site: ChaosSite, bug: str) -> set[str]:
    """Play the scene of a bug with the bug switched on; returns the invariants that it newly breaks."""
    before = set(faults_in(site.evidence()))
    (site.witness / "bug").write_text(bug)
    SCENES.get(bug, work)(site, bug or "sound")
    (site.witness / "bug").unlink()
    site.wait_until(site.all_at_rest)
    site.stop_undecided()
    return {fault.split(":")[0] for fault in set(faults_in(site.evidence())) - before}


def work(site: ChaosSite, label: str) -> None:
    """One call, and an answer."""
    site.launch(f"work_pure {label}")
    site.wait_until(site.all_at_rest)


def stop_in_a_call(site: ChaosSite, label: str) -> None:
    """A person stops the run while its tool works."""
    hold(site, f"work_pure {label}")
    ask_to_stop(site)
    site.wait_until(site.all_at_rest)
    site.forbid("hold")


def die_in_a_call(site: ChaosSite, label: str) -> None:
    """The server is killed during an unsafe call."""
    hold(site, f"work_unsafe {label}")
    site.kill()
    site.forbid("hold")
    site.start()
    site.wait_until(site.all_at_rest)


def die_before_the_start_is_written(site: ChaosSite, label: str) -> None:
    """The server dies before the start of a call is committed; the call should not have begun."""
    site.arm("before_start")
    site.launch(f"work_unsafe {label}")
    site.wait_for_a_death()
    (site.witness / "bug").write_text("")
    site.start()
    site.wait_until(site.all_at_rest)


def stop_while_it_waits(site: ChaosSite, label: str) -> None:
    """A person stops a run that waits for an approval, and another approves on a page that was still open."""
    site.launch(f"work_unsafe {label}", agent="Careful")
    site.wait_until(site.waits_for_approval)
    shown = site.waiting_calls("awaiting_approval")
    ask_to_stop(site)
    site.approve(shown)
    site.wait_until(site.all_at_rest)


SCENES: dict[str, Callable[[ChaosSite, str], None]] = {
    "completed_by_a_stop": stop_in_a_call,
    "unsafe_again": die_in_a_call,
    "step_doubled": work,
    "steps_forgotten": die_in_a_call,
    "approved_after_a_stop": stop_while_it_waits,
    "not_durable": die_before_the_start_is_written,
}
QUICK = ("completed_by_a_stop", "unsafe_again", "step_doubled")
