"""Supervision: services that are restarted after every failure, for the life of the process."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger(__name__)

END_AGAIN_AFTER_S = 1.0
MOST_CANCELS = 5


async def supervise(service: Callable[[], Awaitable[None]], again_after_s: float = 1.0) -> None:
    """Run a service, and restart it after an unexpected failure: without it runs would wait indefinitely, silently.

    Returns when the service does.
    """
    while True:
        serving = asyncio.ensure_future(service())
        try:
            # The task is not awaited directly: a cancellation of this function, and what a TaskGroup or cleanup of the
            # service makes of one, must be told apart.
            await asyncio.wait([serving])
        except asyncio.CancelledError:
            await _end(serving)
            raise
        try:
            return serving.result()
        except (Exception, asyncio.CancelledError):
            logger.exception("%s failed, it is started again.", service.__qualname__)
        await asyncio.sleep(again_after_s)


async def _end(serving: "asyncio.Future[None]") -> None:
    """Cancel the task until it ends: a service that retries after errors may take the first cancellation for one."""
    for _ in range(MOST_CANCELS):
        serving.cancel()
        await asyncio.wait([serving], timeout=END_AGAIN_AFTER_S)
        if serving.done():
            break
    else:
        logger.error("A service did not end when it was told to, and is left: %r", serving)
        return
    if not serving.cancelled() and (error := serving.exception()) is not None:
        logger.info("A service ended with %r when it was told to.", error)
