"""What a crash leaves to a person, and what it ends."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from tests.chaos.checker import FINAL
from tests.chaos.site import ChaosSite


def test_an_unsafe_call_that_was_running_is_not_repeated_and_a_person_is_asked(start_chaos: Callable[[], ChaosSite]):
    site = start_chaos()
    site.launch("strike r1")
    site.wait_until(site.starts)

    site.kill()
    site.live.start()
    site.wait_until(lambda: site.statuses() == [("waiting", "decision")])

    assert [call.state for call in site.rows().calls] == ["unknown"]
    with site.visitor() as visitor:
        status, _ = visitor.post(f"/runs/{UUID(site.launched[0])}/cancel/")
    assert status in (200, 204, 302)
    assert site.statuses() == [("cancelled", "")]
    assert [call.state for call in site.rows().calls] == ["unknown"]
    assert len(site.starts()) == 1


def test_a_run_that_kills_its_server_three_times_is_ended_and_the_others_go_on(start_chaos: Callable[[], ChaosSite]):
    site = start_chaos()
    site.launch("kill_the_process r1")
    site.launch(*(f"work s{number}" for number in range(5)), *(f"hold t{number}" for number in range(5)))

    for deaths in range(1, 4):
        site.wait_until(partial(has_started_the_killer, site, deaths))
        site.allow("die")
        site.live.process.wait(30)
        site.live.kill()
        site.forbid("die")
        site.live.start()
    site.allow("go")  # Until here half of the others came no further than the killer.
    site.wait_until(lambda: not unfinished(site))

    ends = {run.id: run.status for run in site.rows().runs}
    poisoned = next(step.run for step in site.rows().steps if step.kind == "error")
    assert ends.pop(poisoned) == "failed"
    assert set(ends.values()) == {"completed"}
    assert site.error_code(poisoned) == "poison"
    assert has_started_the_killer(site, 3)


def has_started_the_killer(site: ChaosSite, times: int) -> bool:
    """True if the deadly call was started that often, and not more."""
    return sum(started.place[0] == "r1" for started in site.starts()) == times


def unfinished(site: ChaosSite) -> list[str]:
    """The statuses of the runs that have not ended."""
    return [status for status, _ in site.statuses() if status not in FINAL]
