"""Tools that work, break and hang, and two failures of a model."""

import asyncio

from runs.agent.errors.model_exceptions import ModelFailure

DOWN = ModelFailure("Down.", kind="server", provider="scripted", model="scripted", status=503)
REFUSED = ModelFailure("No.", kind="refused", provider="scripted", model="scripted", status=400)


async def works() -> str:
    """Work."""
    return "worked"


async def breaks() -> str:
    """Break."""
    raise RuntimeError("a bug")


async def hangs() -> str:
    """Never end."""
    await asyncio.Event().wait()
    return "never"
