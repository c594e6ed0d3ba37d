"""Whether an object is freed without a collection of cycles, and without waiting for the next work of its task."""

import asyncio
import threading
import weakref

LIMIT_S = 10.0


def freed(thing: object) -> threading.Event:
    """An event that is set when `thing` is freed. The caller deletes its own references."""
    event = threading.Event()
    weakref.finalize(thing, event.set)
    return event


async def is_set(event: threading.Event) -> bool:
    """True once the event is set; False after 10 s."""
    return await asyncio.to_thread(event.wait, LIMIT_S)
