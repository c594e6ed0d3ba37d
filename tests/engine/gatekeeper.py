"""A tool that waits for its test, and runs whose host has died."""

import asyncio
import uuid
from typing import Any

from runs.agent.tools.protocol import Effect
from runs.agent.tools.registry import tool
from runs.models import Run


class Gatekeeper:
    """A tool whose calls wait until they are let through."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.open = asyncio.Event()
        self.calls = 0

    async def wait(self) -> str:
        self.calls += 1
        self.entered.set()
        await self.open.wait()
        return "let through"


def register(keeper: Gatekeeper, effect: Effect) -> str:
    """The name of a tool registered for this test."""
    name = f"wait_{uuid.uuid4().hex[:8]}"

    tool(name=name, description="Waits.", effect=effect)(keeper.wait)
    return name


async def orphan(run: Run, **columns: Any) -> None:
    """Put the run into the state that a dead host leaves; with `crashes`, one that had resumed it."""
    if columns.get("crashes"):
        row = await Run.objects.aget(pk=run.pk)
        about = {"kind": "note", "content": "Resumed.", "metadata": {"note": "resumed"}}
        await row.steps.acreate(sequence=row.next_sequence, epoch=columns.get("epoch", row.epoch), **about)
        columns["next_sequence"] = row.next_sequence + 1
    await Run.objects.filter(pk=run.pk).aupdate(**{"owner": "host-that-died", "status": "executing"} | columns)
