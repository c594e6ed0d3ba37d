"""The only word the engine and the live view share: "look again at this run".

A ring carries nothing that may be lost. Whoever hears it reads the database. The pieces of a reply in the making go the
same way, because they may be lost: the step that ends them says it all.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from channels.layers import InMemoryChannelLayer, get_channel_layer

logger = logging.getLogger(__name__)

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
    if _home is None or _home.is_closed():
        return

    def start() -> None:
        task = asyncio.ensure_future(_ring_both(run_id, sequence))
        _ringing.add(task)
        task.add_done_callback(_ringing.discard)

    _home.call_soon_threadsafe(start)


_ringing: set["asyncio.Future[None]"] = set()


async def _ring_both(run_id: UUID | str, sequence: int) -> None:
    await ring(run_id, sequence)
    await ring_dashboard(run_id)


async def _send(group: str, message: dict[str, object]) -> None:
    layer = get_channel_layer()
    if layer is not None:
        await layer.group_send(group, message)


def host_group(host_id: str) -> str:
    """The layer group one host listens on, for all the runs it hosts."""
    return f"host.{host_id}"


async def tell_host(host_id: str, run_id: UUID | str, do: str) -> None:
    """Pass a message (`run.cancel`) to a run hosted in another process. A hint: the row says the same."""
    await _send(host_group(host_id), {"type": "doorbell.tell", "run": str(run_id), "do": do})


async def messages(group: str) -> AsyncIterator[dict[str, Any]]:
    """The messages of a group, for ever, on a channel of its own. Listens anew when the layer fails."""
    while (layer := get_channel_layer()) is not None:
        try:
            channel = await layer.new_channel()
            await layer.group_add(group, channel)
            while True:
                yield await layer.receive(channel)
        except (ConnectionError, OSError) as error:
            logger.warning("The channel layer failed, listening again: %s", error)
            await asyncio.sleep(1)
