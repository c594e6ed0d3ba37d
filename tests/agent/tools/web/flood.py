"""Downloads what floods, and prints how much the memory of its process grew, in bytes.

`python -m tests.agent.tools.web.flood PORT PATH…`: each path of the server of `web_server.py` at that port.
"""

import asyncio
import json
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools.web.download import download
from runs.agent.tools.web.host_rules import HostRules

DEADLINE_S = 3.0


async def resolve(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def outcome(port: int, path: str) -> str:
    rules = HostRules(frozenset({("site.test", port)}))
    try:
        got = await download(f"http://site.test:{port}{path}", rules, resolver=resolve, deadline_s=DEADLINE_S)
    except ToolFailed as failed:
        return str(failed)
    return f"{len(got.body)} bytes, cut: {got.is_cut}"


def peak_bytes() -> int:
    """The most memory that this process had. In Linux `ru_maxrss` would count its parent before the exec too."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kilobytes = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(kilobytes) * 1024


async def main(port: int, paths: list[str]) -> None:
    await outcome(port, "/small")  # what one download needs anyway: the TLS certificates, the client
    before = peak_bytes()
    slowest, told = 0.0, {}

    async def watch() -> None:
        nonlocal slowest
        loop = asyncio.get_running_loop()
        while True:
            at = loop.time()
            await asyncio.sleep(0.001)
            slowest = max(slowest, loop.time() - at)

    watching = asyncio.create_task(watch())
    for path in paths:
        told[path] = await outcome(port, path)
    watching.cancel()
    print(
        json.dumps(
            {
                "told": told,
                "grown_bytes": peak_bytes() - before,
                "peak_bytes": peak_bytes(),
                "slowest_turn_s": round(slowest, 3),
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2:]))
