"""A tool that ignores cancellation, for tests of what a person can do about it."""

import asyncio
import os
from pathlib import Path

from runs.agent import tool


@tool(effect="unsafe", approval="never")
async def stubborn() -> str:
    """Wait until the file that STUBBORN_UNTIL names exists, ignoring cancellations."""
    until = Path(os.environ["STUBBORN_UNTIL"])
    while not until.exists():  # noqa: ASYNC240 - a stat, now and then
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            continue
    return "At last."
