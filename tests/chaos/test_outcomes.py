"""Outcomes of crashes: what a person has to settle, and what ends a run."""

from collections.abc import Callable
from functools import partial

from tests.chaos.site import ChaosSite
from tests.chaos.verdict import assert_sound


def test_an_unsafe_call_that_was_running_is_not_repeated_and_a_person_is_asked(start_chaos: Callable[..., ChaosSite]):
    site = start_chaos()
    site.launch("strike r1")
    site.wait_until(site.starts)

    site.kill()
    site.start()
    site.wait_until(lambda: site.statuses() == [("waiting", "decision")])
    parked = site.evidence(people_are_done=False)
    stopped = site.stop_undecided()

    assert [call.state for call in parked.rows.calls] == ["unknown"]
    assert_sound(parked)
    assert stopped == 1
    assert site.statuses() == [("cancelled", "")]
    assert [call.state for call in site.rows().calls] == ["unknown"]
    assert_sound(site.evidence())
    assert len(site.starts()) == 1


def test_a_run_that_kills_its_server_four_times_is_ended_and_the_others_go_on(start_chaos: Callable[..., ChaosSite]):
    site = start_chaos()
    site.launch("kill_the_process r1")
    site.launch(*(f"work s{number}" for number in range(5)), *(f"wait_for_go t{number}" for number in range(5)))

    # The third and fourth time it is started only after the server has lived for a while.
    for deaths in range(1, 5):
        site.wait_until(partial(has_started_the_killer, site, deaths))
        site.allow("die")
        site.live.process.wait(30)
        site.kill()
        site.forbid("die")
        site.start()
    site.allow("go")  # Until here half of the others came no further than the killer.
    site.wait_until(site.all_ended)

    seen = site.evidence()
    ends = {run.id: run.status for run in seen.rows.runs}
    poisoned = next(step.run for step in seen.rows.steps if step.kind == "error")
    assert ends.pop(poisoned) == "failed"
    assert set(ends.values()) == {"completed"}
    assert site.error_code(poisoned) == "poison"
    assert has_started_the_killer(site, 4)
    assert_sound(seen)


def has_started_the_killer(site: ChaosSite, times: int) -> bool:
    """True if the deadly call was started exactly that often."""
    return sum(line.place.startswith("r1/") for line in site.starts()) == times
