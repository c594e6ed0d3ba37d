"""A tool that blocks the event loop of its process, for tests of recovery."""

import os
import time
from pathlib import Path

from runs.agent import tool


@tool(effect="pure", approval="never")
async def freeze(why: str) -> str:
    """Hold the loop until the file that FREEZE_UNTIL names is there; each call adds a line to the file FREEZE_LOG."""
    with Path(os.environ["FREEZE_LOG"]).open("a") as log:  # noqa: ASYNC230 - it is meant to be wrong
        log.write(f"{why}\n")
    while not Path(os.environ["FREEZE_UNTIL"]).exists():  # noqa: ASYNC240
        time.sleep(0.01)  # noqa: ASYNC251
    return "Thawed."
