"""E6: SIGTERM during full load: nothing is lost."""

import time
from collections.abc import Callable

from tests.chaos.site import ChaosSite
from tests.chaos.size import only_whole, size
from tests.chaos.verdict import assert_sound
from tests.wire import Hang

INSIDE_A_CALL, INSIDE_A_REPLY = 40, 10
VIEWERS = size(short=40, full=200)
RESTARTING = 4012
LIMIT_S = 10.0


@only_whole
def test_a_stopped_server_lets_go_of_its_runs_and_tells_every_viewer_and_the_next_one_goes_on(
    start_chaos: Callable[..., ChaosSite], report: Callable[[str, str], None]
):
    site = start_chaos()
    site.launch(*(f"wait_for_go r{number}" for number in range(INSIDE_A_CALL)))
    site.wait_until(lambda: site.count_starts() == INSIDE_A_CALL)
    site.model.script(*[Hang()] * INSIDE_A_REPLY)
    site.launch(*(f"work s{number}" for number in range(INSIDE_A_REPLY)))
    site.model.wait_for_requests(INSIDE_A_CALL + INSIDE_A_REPLY, timeout_s=30)
    runs = INSIDE_A_CALL + INSIDE_A_REPLY
    site.viewers.watch([site.launched[number % runs] for number in range(VIEWERS)], limit_s=60)

    stopping_at = time.monotonic()
    exit_code = site.live.stop()
    took_s = time.monotonic() - stopping_at
    left = site.statuses()
    site.wait_until(lambda: all(viewer.codes for viewer in site.viewers.all))
    codes = {viewer.codes[0] for viewer in site.viewers.all}
    site.allow("go")
    site.start()
    site.wait_until(lambda: site.all_ended() and site.viewers.are_done(), limit_s=120)

    report(
        "E6", f"SIGTERM with {runs} live runs and {VIEWERS} sockets: exit {exit_code}, {took_s:.1f} s, codes {codes}"
    )
    assert exit_code == 0
    assert took_s < LIMIT_S
    assert codes == {RESTARTING}
    assert left == [("idle", "")] * runs
    assert {status for status, _ in site.statuses()} == {"completed"}
    assert_sound(site.evidence(served_tokens=None))
