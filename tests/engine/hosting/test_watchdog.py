"""The watchdog says where the event loop is held, also when it was held from its first turn on."""

import asyncio
import contextlib
import logging
import threading
import time

from runs.engine.hosting.watchdog import Watchdog


async def held_until(is_told: threading.Event) -> None:
    """Hold the loop."""
    while not is_told.wait(0):
        time.sleep(0.001)  # noqa: ASYNC251 - it is to hold the loop


def test_a_loop_that_was_held_before_it_turned_once_is_told_with_the_place_that_holds_it() -> None:
    is_told = threading.Event()
    words: list[str] = []

    class Told(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            words.append(record.getMessage())
            is_told.set()

    watchdog, logger, told = Watchdog("host", look_every_s=0.001), logging.getLogger(Watchdog.__module__), Told()
    logger.addHandler(told)
    loop = asyncio.new_event_loop()
    with contextlib.closing(loop):
        watchdog.start(loop)
        loop.run_until_complete(held_until(is_told))
        watchdog.stop()
        logger.removeHandler(told)

    assert "held_until" in words[0]
    assert "unknown" not in words[0]
