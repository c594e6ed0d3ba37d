"""The hub belongs to its event loop: where the loop has ended there is none."""

import asyncio

from runs.live.sockets.hub import all_hubs, get_hub


def test_the_hub_of_a_loop_that_has_ended_gets_no_news() -> None:
    loop = asyncio.new_event_loop()

    async def started() -> object:
        return get_hub()

    hub = loop.run_until_complete(started())
    assert hub in all_hubs()

    loop.close()

    assert hub not in all_hubs()
