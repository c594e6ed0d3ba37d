"""The only word the engine and the live view share: "look again at this run".

A ring carries nothing that may be lost. Whoever hears it reads the database. The pieces of a reply in the making go the
same way, because they may be lost: the step that ends them says it all.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Collection, Coroutine
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.conf import settings

logger = logging.getLogger(__name__)

LAYER_ERRORS: tuple[type[Exception], ...] = (OSError, TimeoutError)
"""What a channel layer raises when it cannot be reached."""
if settings.IS_SCALE_OUT:
    from redis.exceptions import RedisError

    LAYER_ERRORS += (RedisError,)

SEND_LIMIT_S = 2.0
SILENT_FOR_S = 1.0
"""After a failure nothing is sent for a while: those who ring must not queue up before a layer that is away."""

DASHBOARD_GROUP = "dashboard"
"""Hears of every run: its launch, each change of its status, its end."""


def run_group(run_id: UUID | str) -> str:
    """The layer group that hears of one run."""
    return f"run.{run_id}"


async def ring(run_id: UUID | str, sequence: int) -> None:
    """Tell the viewers of a run that it has committed rows up to `sequence`."""
    await _send(run_group(run_id), {"type": "doorbell.ring", "run": str(run_id), "sequence": sequence})


async def show(run_id: UUID | str, frame: dict[str, Any]) -> None:
    """Show the viewers of a run a frame of pieces: `{"delta": …}` or `{"snap": …}`, as their sockets send it."""
    await _send(run_group(run_id), {"type": "doorbell.show", "run": str(run_id), "frame": frame})


def is_watched(run_id: UUID | str) -> bool:
    """False if it is certain that nobody listens to this run. A layer between processes cannot tell."""
    layer = get_channel_layer()
    return not isinstance(layer, InMemoryChannelLayer) or bool(layer.groups.get(run_group(run_id)))


async def unwatched(run_ids: Collection[UUID]) -> set[UUID]:
    """Those of the runs nobody listens to in any process; none of them while a layer cannot say. See `is_watched`."""
    layer = get_channel_layer()
    if layer is None or isinstance(layer, InMemoryChannelLayer) or not run_ids or time.monotonic() < _Away.until:
        return set()
    groups = {run_group(run_id): run_id for run_id in run_ids}
    try:
        async with asyncio.timeout(SEND_LIMIT_S):
            return {groups[group] for group in await layer.unheard(groups)}
    except LAYER_ERRORS:
        return set()  # Whoever sends next says that it is away.


async def ring_dashboard(run_id: UUID | str) -> None:
    """Tell the dashboards that a run's row has changed."""
    await _send(DASHBOARD_GROUP, {"type": "doorbell.dashboard", "run": str(run_id)})


_home: asyncio.AbstractEventLoop | None = None


def set_home(loop: asyncio.AbstractEventLoop | None) -> None:
    """Name the loop this process' viewers live on. The in-memory layer does not wake a loop from another thread."""
    global _home  # noqa: PLW0603 - one loop of viewers per process, by design
    _home = loop


def ring_from_thread(run_id: UUID | str, sequence: int) -> None:
    """Ring both bells from a thread (a view, a command), after its transaction committed.

    Does nothing in a process without viewers or hosts of its own: the slow poll heals that.
    """
    if _home is not None and not _home.is_closed():
        _start_at_home(_ring_both(run_id, sequence))


def _start_at_home(sending: Coroutine[Any, Any, None]) -> None:
    def start() -> None:
        task = asyncio.ensure_future(sending)
        _ringing.add(task)
        task.add_done_callback(_ringing.discard)

    assert _home is not None  # noqa: S101 - for the type checker: the callers have looked
    _home.call_soon_threadsafe(start)


_ringing: set["asyncio.Future[None]"] = set()


async def _ring_both(run_id: UUID | str, sequence: int) -> None:
    await ring(run_id, sequence)
    await ring_dashboard(run_id)


class _Away:
    """Whether the layer can be reached, as far as this process knows."""

    until = 0.0
    is_told = False


async def _send(group: str, message: dict[str, object]) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    if isinstance(layer, InMemoryChannelLayer):
        await layer.group_send(group, message)
        return
    if time.monotonic() < _Away.until:
        return
    try:
        async with asyncio.timeout(SEND_LIMIT_S):
            await layer.group_send(group, message)
    except LAYER_ERRORS as error:
        _Away.until = time.monotonic() + SILENT_FOR_S
        if not _Away.is_told:
            _Away.is_told = True
            logger.warning("The channel layer cannot be reached: %s. Pages learn of news by looking.", error)
    else:
        if _Away.is_told:
            _Away.is_told = False
            logger.warning("The channel layer can be reached again.")


def host_group(host_id: str) -> str:
    """The layer group one host listens on, for all the runs it hosts."""
    return f"host.{host_id}"


async def tell_host(host_id: str, run_id: UUID | str, do: str) -> None:
    """Pass a message (`run.cancel`) to a run hosted in another process. A hint: the row says the same."""
    await _send(host_group(host_id), {"type": "doorbell.tell", "run": str(run_id), "do": do})


HOSTS_GROUP = "hosts"
"""Hears how much each host has to do."""


async def tell_hosts(host_id: str, hosted: int, room: int) -> None:
    """Tell all hosts how many runs one of them hosts and can still take."""
    await _send(HOSTS_GROUP, {"type": "doorbell.load", "host": host_id, "hosted": hosted, "room": room})


def tell_host_from_thread(host_id: str, run_id: UUID | str, do: str) -> None:
    """The same from a thread, after its transaction committed."""
    if _home is not None and not _home.is_closed():
        _start_at_home(tell_host(host_id, run_id, do))
    else:
        async_to_sync(tell_host)(host_id, run_id, do)


async def messages(group: str) -> AsyncIterator[dict[str, Any]]:
    """The messages of a group, for ever, on a channel of its own. Listens anew when the layer fails."""
    while (layer := get_channel_layer()) is not None:
        try:
            channel = await layer.new_channel()
            await layer.group_add(group, channel)
            while True:
                yield await layer.receive(channel)
        except LAYER_ERRORS as error:
            logger.warning("The channel layer failed, listening again: %s", error)
            await asyncio.sleep(1)
