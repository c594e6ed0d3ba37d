"""Slow readers: their cost for the server, and for other users."""

from collections.abc import Callable

from tests.chaos.size import IS_FULL, size
from tests.hostile.battery import MOST_GROWTH_MIB, attack, warm_up
from tests.hostile.readers import KINDS
from tests.hostile.site import prepare
from tests.live_site import LiveSite

UNREAD_LIMIT_S = size(short=3, full=60)
HOLD_S = size(short=6.0, full=75.0)
EACH = size(short=10, full=100)
STEPS = size(short=3000, full=10_000)
LONGEST_S = size(short={"healthz": 5.0, "launch": 5.0, "page": 5.0}, full={"healthz": 1.0, "launch": 1.0, "page": 2.0})
"""In `make test` other tests share the processors."""


def test_readers_that_read_nothing_cost_little_memory_and_nobody_else_waits_for_them(
    start_site: Callable[..., LiveSite], report: Callable[[str, str], None]
):
    # The other person launches faster than one may.
    site = start_site(AGENTSITE_UNREAD_LIMIT_S=str(UNREAD_LIMIT_S), AGENTSITE_LAUNCHES_PER_MINUTE="10000")
    person = prepare(site, steps=STEPS)
    warm_up(site, person)

    attacks = [list(KINDS), *([[kind] for kind in KINDS] if IS_FULL else [])]
    for kinds in attacks:
        figures = attack(site, person, kinds, each=EACH, hold_s=HOLD_S)

        report("hold", str(figures))
        assert figures.growth <= MOST_GROWTH_MIB
        assert figures.is_back
        assert figures.failures == []
        assert {what: p99 for what, p99 in figures.p99_s.items() if p99 > LONGEST_S[what]} == {}
    assert " ERROR " not in site.log.read_text()
