"""The doorbell: the only messages between engine and live view, "look again at this run".

A ring carries no data, so it may be lost: its receiver reads the database. Chunks of replies in the making use the same
channel, because they may be lost too: the step that ends a reply has all of it.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Collection, Coroutine, Sequence
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.conf import settings

from runs.agent.concurrency.tasks import run_cancellable, run_to_completion
from runs.agent.json_data.json_types import JsonObject
from runs.asgi_types import Message

logger = logging.getLogger(__name__)

LAYER_ERRORS: tuple[type[Exception], ...] = (OSError, TimeoutError)
"""The exceptions of a channel layer that cannot be reached."""
if settings.IS_SCALE_OUT:
    from redis.exceptions import RedisError

    LAYER_ERRORS += (RedisError,)

SEND_LIMIT_S = 2.0
SILENT_FOR_S = 1.0
"""After a failure nothing is sent for a while, so that senders do not queue up before an unreachable layer."""

DASHBOARD_GROUP = "dashboard"
"""Gets a message for every run: its launch, each change of its status, its end."""


def run_group(run_id: UUID | str) -> str:
    """The layer group of one run."""
    return f"run.{run_id}"


async def ring(run_id: UUID | str, sequence: int) -> None:
    """Tell the viewers of a run that it has committed rows up to `sequence`."""
    await _send(run_group(run_id), {"type": "doorbell.ring", "run": str(run_id), "sequence": sequence})


async def show(run_id: UUID | str, frame: JsonObject) -> None:
    """Send the viewers of a run a frame of replies in the making, as the JSON of `runs/reply_frames.py`."""
    await _send(run_group(run_id), {"type": "doorbell.show", "run": str(run_id), "frame": frame})


REPLIES_GROUP = "replies"
"""Gets a message for each run that somebody begins to watch."""


async def ask_for_replies(run_id: UUID | str) -> None:
    """Ask the host of a run to send at once what its replies in the making have said so far."""
    await _send(REPLIES_GROUP, {"type": "doorbell.ask", "run": str(run_id)})


def is_watched(run_id: UUID | str) -> bool:
    """False if it is certain that the run has no viewer. A layer between processes cannot tell."""
    layer = get_channel_layer()
    return not isinstance(layer, InMemoryChannelLayer) or bool(layer.groups.get(run_group(run_id)))


async def unwatched(run_ids: Collection[UUID]) -> set[UUID]:
    """The runs without a viewer in any process; empty if the layer cannot tell. See `is_watched`."""
    layer = get_channel_layer()
    if layer is None or isinstance(layer, InMemoryChannelLayer) or not run_ids or time.monotonic() < _Away.until:
        return set()
    groups = {run_group(run_id): run_id for run_id in run_ids}
    # To its end, which has a limit of its own: redis-py may lose a cancellation, and the connection it is opening.
    try:
        async with asyncio.timeout(SEND_LIMIT_S):
            return {groups[group] for group in await run_to_completion(layer.unheard(groups))}
    except LAYER_ERRORS:
        return set()  # The next send logs that the layer is unreachable.


async def ring_dashboard(*run_ids: UUID | str) -> None:
    """Tell the dashboards that the rows of these runs have changed, at least one."""
    first, *others = map(str, run_ids)
    message: dict[str, object] = {"type": "doorbell.dashboard", "run": first}
    await _send(DASHBOARD_GROUP, message | ({"others": others} if others else {}))


_home: asyncio.AbstractEventLoop | None = None


def set_home(loop: asyncio.AbstractEventLoop | None) -> None:
    """Set the event loop of this process's viewers. The in-memory layer does not wake a loop from another thread."""
    global _home  # noqa: PLW0603 - one loop of viewers per process, by design
    _home = loop


def ring_from_thread(run_id: UUID | str, sequence: int) -> None:
    """Ring for the run and the dashboards from a thread (a view, a command), after its transaction committed.

    Does nothing in a process without viewers or hosts of its own: the slow poll finds the change.
    """
    if _home is not None and not _home.is_closed():
        _start_at_home(_ring_both(run_id, sequence))


def ring_dashboard_from_thread(run_ids: Sequence[UUID]) -> None:
    """Tell the dashboards of new rows from a thread, after its transaction committed, as `ring_from_thread` does."""
    if run_ids and _home is not None and not _home.is_closed():
        _start_at_home(ring_dashboard(*run_ids))


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
    """Whether the layer is unreachable, as far as this process knows."""

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
            await run_cancellable(layer.group_send(group, message))
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
    """The layer group of one host, for all the runs it hosts."""
    return f"host.{host_id}"


async def tell_host(host_id: str, run_id: UUID | str, do: str) -> None:
    """Send a message (`run.cancel`) to a run hosted in another process. A hint: the row says the same."""
    await _send(host_group(host_id), {"type": "doorbell.tell", "run": str(run_id), "do": do})


HOSTS_GROUP = "hosts"
"""Gets the load of each host."""


async def tell_hosts(host_id: str, hosted: int, room: int) -> None:
    """Tell all hosts the load of one: hosted runs and free slots."""
    await _send(HOSTS_GROUP, {"type": "doorbell.load", "host": host_id, "hosted": hosted, "room": room})


def tell_host_from_thread(host_id: str, run_id: UUID | str, do: str) -> None:
    """`tell_host` from a thread, after its transaction committed."""
    if _home is not None and not _home.is_closed():
        _start_at_home(tell_host(host_id, run_id, do))
    else:
        async_to_sync(tell_host)(host_id, run_id, do)


SCHEDULES_GROUP = "schedules"
"""Gets a message when a schedule was made or changed, which may be due before the hosts look again."""


async def ring_schedules() -> None:
    """Let all hosts look at the schedules."""
    await _send(SCHEDULES_GROUP, {"type": "doorbell.schedules"})


def ring_schedules_from_thread() -> None:
    """`ring_schedules` from a thread, after its transaction committed. Hosts find by themselves what they miss."""
    if _home is not None and not _home.is_closed():
        _start_at_home(ring_schedules())
    elif settings.IS_SCALE_OUT:
        async_to_sync(ring_schedules)()


async def messages(*groups: str) -> AsyncIterator[Message]:
    """The messages of some groups, without end, on one channel of their own. Rejoins when the layer fails."""
    while (layer := get_channel_layer()) is not None:
        try:
            channel = await run_cancellable(layer.new_channel())
            for group in groups:
                await run_cancellable(layer.group_add(group, channel))
            while True:
                yield await run_cancellable(layer.receive(channel))
        except LAYER_ERRORS as error:
            logger.warning("The channel layer failed, listening again: %s", error)
            await asyncio.sleep(1)
