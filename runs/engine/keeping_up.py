"""Services that are there for as long as their process: whatever ends one, it is started again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger(__name__)

SERVE_AGAIN_AFTER_S = 1.0


async def keep_up(service: Callable[[], Awaitable[None]]) -> None:
    """Serve, and start again after a failure nobody foresaw: without it runs would silently wait for ever.

    Returns when the service does.
    """
    while True:
        try:
            await service()
            return
        except Exception:
            logger.exception("%s failed, it is started again.", service.__qualname__)
        await asyncio.sleep(SERVE_AGAIN_AFTER_S)
