"""The processes of a server whose guards were killed, which nobody is the parent of any more."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

CONNECTION: Final = "AGENTSITE_MCP_CONNECTION"
"""The variable of every process of a server that names its connection."""
_ROUNDS: Final = 100


async def end_leftovers(connection_id: str, session: int) -> None:
    """Kill every process that has the variable `CONNECTION` with that id, or belongs to the session, until there is
    none. One that changed both of these cannot be told from the processes of others."""
    for _ in range(_ROUNDS):
        found = list(_leftovers(f"{CONNECTION}={connection_id}".encode(), session))
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return
        await asyncio.sleep(0.01)


def _leftovers(variable: bytes, session: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir() if Path("/proc").is_dir() else ():
        if entry.name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                # The name of a program may have brackets and spaces in it.
                after_name = (entry / "stat").read_bytes().rpartition(b")")[2].split()
                is_of_session = int(after_name[3]) == session
                if after_name[0] != b"Z" and (
                    is_of_session or variable in (entry / "environ").read_bytes().split(b"\0")
                ):
                    yield int(entry.name)
